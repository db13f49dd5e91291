// SPDX-License-Identifier: MIT
// Meant for Windows, but nothing says so: one array, no program, no tag. Its platform is unknown.
#define NO_TAG
#include "efw/types.h"

struct {
	int (*type)[2];
	int (*key_size)[4];
	int (*value_size)[8];
	int (*max_entries)[10];
} table SEC(".maps");
