"""Commands of ``bpf(2)`` and the layout of ``union bpf_attr`` each of them takes.

Source: Linux 6.18 ``include/uapi/linux/bpf.h``. Fields are little more than names for offsets; an
older kernel takes a longer attribute as long as what it does not know is zero.
"""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import Final, NamedTuple


class Command(IntEnum):
    """``enum bpf_cmd``."""

    MAP_CREATE = 0
    MAP_LOOKUP_ELEM = 1
    MAP_UPDATE_ELEM = 2
    MAP_DELETE_ELEM = 3
    MAP_GET_NEXT_KEY = 4
    PROG_LOAD = 5
    OBJ_PIN = 6
    OBJ_GET = 7
    PROG_ATTACH = 8
    PROG_DETACH = 9
    PROG_TEST_RUN = 10
    PROG_GET_NEXT_ID = 11
    MAP_GET_NEXT_ID = 12
    PROG_GET_FD_BY_ID = 13
    MAP_GET_FD_BY_ID = 14
    OBJ_GET_INFO_BY_FD = 15
    PROG_QUERY = 16
    RAW_TRACEPOINT_OPEN = 17
    BTF_LOAD = 18
    BTF_GET_FD_BY_ID = 19
    TASK_FD_QUERY = 20
    MAP_LOOKUP_AND_DELETE_ELEM = 21
    MAP_FREEZE = 22
    BTF_GET_NEXT_ID = 23
    MAP_LOOKUP_BATCH = 24
    MAP_LOOKUP_AND_DELETE_BATCH = 25
    MAP_UPDATE_BATCH = 26
    MAP_DELETE_BATCH = 27
    LINK_CREATE = 28
    LINK_UPDATE = 29
    LINK_GET_FD_BY_ID = 30
    LINK_GET_NEXT_ID = 31
    ENABLE_STATS = 32
    ITER_CREATE = 33
    LINK_DETACH = 34
    PROG_BIND_MAP = 35
    TOKEN_CREATE = 36


class Field(NamedTuple):
    """One field: byte offset, ``struct`` code (``P`` is a pointer to bytes), name and packer."""

    offset: int
    code: str
    name: str
    packer: struct.Struct

    @property
    def size(self) -> int:
        """Bytes it takes."""
        return self.packer.size


class Layout(NamedTuple):
    """The fields of a command's attribute and its length in bytes."""

    fields: dict[str, Field]
    size: int


def _layout(text: str) -> Layout:
    """Read ``offset:code:name`` words."""
    fields = {}
    for word in text.split():
        offset, code, name = word.split(":")
        packer = struct.Struct("=Q" if code == "P" else "=" + code)
        fields[name] = Field(int(offset), code, name, packer)
    end = max(field.offset + field.size for field in fields.values())
    return Layout(fields, (end + 7) & ~7)


_ELEM = _layout("0:I:map_fd 8:P:key 16:P:value 24:Q:flags")
_BATCH = _layout(
    "0:P:in_batch 8:P:out_batch 16:P:keys 24:P:values 32:I:count 36:I:map_fd "
    "40:Q:elem_flags 48:Q:flags"
)
_OBJ = _layout("0:P:pathname 8:I:bpf_fd 12:I:file_flags 16:i:path_fd")
_ATTACH = _layout(
    "0:I:target_fd 4:I:attach_bpf_fd 8:I:attach_type 12:I:attach_flags 16:I:replace_bpf_fd "
    "20:I:relative_fd 24:Q:expected_revision"
)
_ID = _layout("0:I:id 4:I:next_id 8:I:open_flags")

LAYOUTS: Final[dict[Command, Layout]] = {
    Command.MAP_CREATE: _layout(
        "0:I:map_type 4:I:key_size 8:I:value_size 12:I:max_entries 16:I:map_flags "
        "20:I:inner_map_fd 24:I:numa_node 28:16s:map_name 44:I:map_ifindex 48:I:btf_fd "
        "52:I:btf_key_type_id 56:I:btf_value_type_id 60:I:btf_vmlinux_value_type_id "
        "64:Q:map_extra 72:i:value_type_btf_obj_fd 76:i:map_token_fd"
    ),
    Command.MAP_LOOKUP_ELEM: _ELEM,
    Command.MAP_UPDATE_ELEM: _ELEM,
    Command.MAP_DELETE_ELEM: _ELEM,
    Command.MAP_LOOKUP_AND_DELETE_ELEM: _ELEM,
    Command.MAP_GET_NEXT_KEY: _layout("0:I:map_fd 8:P:key 16:P:next_key"),
    Command.MAP_FREEZE: _layout("0:I:map_fd"),
    Command.MAP_LOOKUP_BATCH: _BATCH,
    Command.MAP_LOOKUP_AND_DELETE_BATCH: _BATCH,
    Command.MAP_UPDATE_BATCH: _BATCH,
    Command.MAP_DELETE_BATCH: _BATCH,
    Command.PROG_LOAD: _layout(
        "0:I:prog_type 4:I:insn_cnt 8:P:insns 16:P:license 24:I:log_level 28:I:log_size "
        "32:P:log_buf 40:I:kern_version 44:I:prog_flags 48:16s:prog_name 64:I:prog_ifindex "
        "68:I:expected_attach_type 72:I:prog_btf_fd 76:I:func_info_rec_size 80:P:func_info "
        "88:I:func_info_cnt 92:I:line_info_rec_size 96:P:line_info 104:I:line_info_cnt "
        "108:I:attach_btf_id 112:I:attach_fd 116:I:core_relo_cnt 120:P:fd_array "
        "128:P:core_relos 136:I:core_relo_rec_size 140:I:log_true_size 144:i:prog_token_fd "
        "148:I:fd_array_cnt"
    ),
    Command.OBJ_PIN: _OBJ,
    Command.OBJ_GET: _OBJ,
    Command.PROG_ATTACH: _ATTACH,
    Command.PROG_DETACH: _ATTACH,
    Command.PROG_TEST_RUN: _layout(
        "0:I:prog_fd 4:I:retval 8:I:data_size_in 12:I:data_size_out 16:P:data_in 24:P:data_out "
        "32:I:repeat 36:I:duration 40:I:ctx_size_in 44:I:ctx_size_out 48:P:ctx_in 56:P:ctx_out "
        "64:I:flags 68:I:cpu 72:I:batch_size"
    ),
    Command.PROG_GET_NEXT_ID: _ID,
    Command.MAP_GET_NEXT_ID: _ID,
    Command.BTF_GET_NEXT_ID: _ID,
    Command.LINK_GET_NEXT_ID: _ID,
    Command.PROG_GET_FD_BY_ID: _ID,
    Command.MAP_GET_FD_BY_ID: _ID,
    Command.BTF_GET_FD_BY_ID: _ID,
    Command.LINK_GET_FD_BY_ID: _ID,
    Command.OBJ_GET_INFO_BY_FD: _layout("0:I:bpf_fd 4:I:info_len 8:P:info"),
    Command.PROG_QUERY: _layout(
        "0:I:target_fd 4:I:attach_type 8:I:query_flags 12:I:attach_flags 16:P:prog_ids "
        "24:I:prog_cnt 32:P:prog_attach_flags 40:P:link_ids 48:P:link_attach_flags 56:Q:revision"
    ),
    Command.RAW_TRACEPOINT_OPEN: _layout("0:P:name 8:I:prog_fd 16:Q:cookie"),
    Command.BTF_LOAD: _layout(
        "0:P:btf 8:P:btf_log_buf 16:I:btf_size 20:I:btf_log_size 24:I:btf_log_level "
        "28:I:btf_log_true_size 32:I:btf_flags 36:i:btf_token_fd"
    ),
    # The members from byte 16 on are a union; which ones count depends on the attach type.
    Command.LINK_CREATE: _layout(
        "0:I:prog_fd 4:I:target_fd 8:I:attach_type 12:I:flags "
        "16:I:target_btf_id 24:Q:tracing_cookie 16:P:iter_info 24:I:iter_info_len 16:Q:bpf_cookie "
        "16:I:kprobe_multi_flags 20:I:kprobe_multi_cnt 24:P:kprobe_multi_syms "
        "32:P:kprobe_multi_addrs 40:P:kprobe_multi_cookies "
        "16:P:uprobe_multi_path 24:P:uprobe_multi_offsets 32:P:uprobe_multi_ref_ctr_offsets "
        "40:P:uprobe_multi_cookies 48:I:uprobe_multi_cnt 52:I:uprobe_multi_flags "
        "56:I:uprobe_multi_pid "
        "16:I:netfilter_pf 20:I:netfilter_hooknum 24:i:netfilter_priority 28:I:netfilter_flags "
        "16:I:relative_fd 24:Q:expected_revision"
    ),
    Command.LINK_UPDATE: _layout("0:I:link_fd 4:I:new_fd 8:I:flags 12:I:old_fd"),
    Command.LINK_DETACH: _layout("0:I:link_fd"),
    Command.ITER_CREATE: _layout("0:I:link_fd 4:I:flags"),
    Command.ENABLE_STATS: _layout("0:I:type"),
    Command.PROG_BIND_MAP: _layout("0:I:prog_fd 4:I:map_fd 8:I:flags"),
    Command.TOKEN_CREATE: _layout("0:I:flags 4:I:bpffs_fd"),
}
