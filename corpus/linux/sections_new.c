// SPDX-License-Identifier: MIT
// Section names that came after libbpf 1.1.2 (the last ones after 1.7).
#include "linux_bpf.h"

#define PROGRAM(section, name)  \
	SEC(section)            \
	int name(void *ctx)     \
	{                       \
		return 0;       \
	}

PROGRAM("kprobe.session/tcp_*", kprobe_session_prog)
PROGRAM("uprobe.multi//usr/bin/true:m*", uprobe_multi_prog)
PROGRAM("uretprobe.multi//usr/bin/true:m*", uretprobe_multi_prog)
PROGRAM("uprobe.session//usr/bin/true:m*", uprobe_session_prog)
PROGRAM("uprobe.multi.s//usr/bin/true:m*", uprobe_multi_s_prog)
PROGRAM("uretprobe.multi.s//usr/bin/true:m*", uretprobe_multi_s_prog)
PROGRAM("uprobe.session.s//usr/bin/true:m*", uprobe_session_s_prog)
PROGRAM("usdt.s//usr/bin/true:provider:name", usdt_s_prog)
PROGRAM("tc/ingress", tc_ingress_prog)
PROGRAM("tc/egress", tc_egress_prog)
PROGRAM("tcx/ingress", tcx_ingress_prog)
PROGRAM("tcx/egress", tcx_egress_prog)
PROGRAM("netkit/primary", netkit_primary_prog)
PROGRAM("netkit/peer", netkit_peer_prog)
PROGRAM("tracepoint.s/syscalls/sys_enter_read", tracepoint_s_prog)
PROGRAM("tp.s/syscalls/sys_enter_read", tp_s_prog)
PROGRAM("raw_tracepoint.s/sys_enter", raw_tracepoint_s_prog)
PROGRAM("raw_tp.s/sys_enter", raw_tp_s_prog)
PROGRAM("tp_btf.s/sys_enter", tp_btf_s_prog)
PROGRAM("fsession/vfs_read", fsession_prog)
PROGRAM("fsession.s/vfs_read", fsession_s_prog)
PROGRAM("fsession.multi/vfs_*", fsession_multi_prog)
PROGRAM("fsession.multi.s/vfs_*", fsession_multi_s_prog)
PROGRAM("fentry.multi/vfs_*", fentry_multi_prog)
PROGRAM("fexit.multi/vfs_*", fexit_multi_prog)
PROGRAM("fentry.multi.s/vfs_*", fentry_multi_s_prog)
PROGRAM("fexit.multi.s/vfs_*", fexit_multi_s_prog)
PROGRAM("sk_skb/verdict", sk_skb_verdict_prog)
PROGRAM("cgroup/connect_unix", cgroup_connect_unix_prog)
PROGRAM("cgroup/sendmsg_unix", cgroup_sendmsg_unix_prog)
PROGRAM("cgroup/recvmsg_unix", cgroup_recvmsg_unix_prog)
PROGRAM("cgroup/getpeername_unix", cgroup_getpeername_unix_prog)
PROGRAM("cgroup/getsockname_unix", cgroup_getsockname_unix_prog)
PROGRAM("struct_ops.s/init", struct_ops_s_prog)
PROGRAM("netfilter", netfilter_prog)

LICENSE("GPL");
