// SPDX-License-Identifier: MIT
// A section both platforms have, no context access, no map, no tag: its platform is unknown.
#define NO_TAG
#include "efw/types.h"

SEC("xdp")
int one(void *ctx)
{
	return 1;
}
