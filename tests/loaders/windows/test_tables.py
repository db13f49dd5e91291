"""The table of exports, against the facts and against the code that goes by it."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import ebpf_static_loaders.windows
from ebpf_static.errors import LoaderError
from ebpf_static.target import Version
from ebpf_static_loaders.windows import tables
from ebpf_static_loaders.windows.runtime import NATIVE, OPTIONAL, REQUIRED
from tests.loaders.ebpfapi_stub import generate

FLOOR = Version.parse("0.21.0")
CALLS = ("call", "_check")


def test_the_table_is_what_the_snapshot_gives(repository: Path) -> None:
    script = repository / "scripts" / "make_windows_api.py"
    done = subprocess.run(
        [sys.executable, str(script), "--check"], capture_output=True, check=False
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("release", tables.releases(), ids=str)
def test_each_release_exports_what_its_history_says(release: Version) -> None:
    current = {name for name, export in tables.exports().items() if export.is_in(release)}
    removed = {
        row["name"]
        for row in tables.read_table()["removed_exports"]
        if Version.parse(row["since"]) <= release <= Version.parse(row["last"])
    }
    assert current | removed == generate.exports_of(str(release))


@pytest.mark.parametrize("release", [it for it in tables.releases() if it >= FLOOR], ids=str)
def test_what_every_load_calls_is_in_every_release_loaded_into(release: Version) -> None:
    exported = generate.exports_of(str(release))
    assert set(REQUIRED) | set(NATIVE) <= exported


def test_the_release_before_the_floor_lacks_what_descriptors_are_closed_with() -> None:
    before = max(it for it in tables.releases() if it < FLOOR)
    assert set(REQUIRED) - generate.exports_of(str(before)) == {
        "ebpf_close_fd",
        "ebpf_get_next_pinned_object_path",
        "ebpf_object_get_info_by_fd",
        "ebpf_program_attach_by_fds",
    }


def exports_called() -> set[str]:
    """Return the exports the loaders' code names in a call of the library."""
    found: set[str] = set()
    folder = Path(ebpf_static_loaders.windows.__path__[0])
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in CALLS
                and node.args
                and isinstance(node.args[0], ast.Constant)
            ):
                found.add(str(node.args[0].value))
    return found


def test_nothing_is_called_that_is_not_listed() -> None:
    listed = set(REQUIRED) | set(NATIVE) | set(OPTIONAL)
    assert exports_called() == listed
    assert listed <= set(tables.exports())


def test_what_is_called_is_pretended_by_the_stub() -> None:
    assert exports_called() <= generate.implemented()


def test_what_came_later_than_the_floor_is_known() -> None:
    exports = tables.exports()
    later = {name: str(exports[name].since) for name in OPTIONAL if exports[name].since > FLOOR}
    assert later == {
        "ebpf_canonicalize_pin_path": "1.0.0-rc1",
        "ebpf_map_set_wait_handle": "1.0.0-rc1",
        "ebpf_ring_buffer_map_map_buffer": "1.0.0-rc1",
        "ebpf_ring_buffer_map_unmap_buffer": "1.0.0-rc1",
        "perf_buffer__poll": "1.1.0",
    }


def test_bpf_has_linux_numbers_in_every_release_loaded_into() -> None:
    assert Version.parse(tables.read_table()["linux_commands_since"]) <= FLOOR
    assert {name: it.number for name, it in tables.commands().items()} == {
        "MAP_CREATE": 0, "MAP_LOOKUP_ELEM": 1, "MAP_UPDATE_ELEM": 2, "MAP_DELETE_ELEM": 3,
        "MAP_GET_NEXT_KEY": 4, "PROG_LOAD": 5, "OBJ_PIN": 6, "OBJ_GET": 7, "PROG_ATTACH": 8,
        "PROG_DETACH": 9, "PROG_TEST_RUN": 10, "PROG_GET_NEXT_ID": 11, "MAP_GET_NEXT_ID": 12,
        "PROG_GET_FD_BY_ID": 13, "MAP_GET_FD_BY_ID": 14, "OBJ_GET_INFO_BY_FD": 15,
        "MAP_LOOKUP_AND_DELETE_ELEM": 21, "LINK_GET_FD_BY_ID": 30, "LINK_GET_NEXT_ID": 31,
        "LINK_DETACH": 34, "PROG_BIND_MAP": 35,
    }  # fmt: skip
    with pytest.raises(LoaderError, match="no BPF_MAP_FREEZE"):
        tables.command("MAP_FREEZE")


def test_fields_lie_inside_their_structures_and_do_not_overlap() -> None:
    for layout in (*tables.layouts().values(), tables.ID_LAYOUT):
        end = 0
        shared: set[int] = set()
        for name, field in layout.fields.items():
            assert field.offset + field.size <= layout.size, (layout.name, name)
            if field.offset in shared or layout.name == "bpf_link_info":
                continue  # members of a union
            assert field.offset >= end, (layout.name, name)
            end = field.offset + field.size
            shared.add(field.offset)


def test_results_and_errors_have_names() -> None:
    from ebpf_static_loaders.windows.results import errno_name, result_name

    assert result_name(12) == "EBPF_NO_MEMORY"
    assert result_name(999) == "ebpf_result_t 999"
    assert errno_name(129) == "ENOTSUP"  # 95 on Linux
    assert errno_name(95) == "errno 95"
