"""What a dry run writes down: every call with its arguments, the same on every host."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import ebpf_static as es
from ebpf_static.loading import LoadOptions
from ebpf_static_loaders.dry_run.loader import DryRunLoader

Read = Callable[[str], es.CollectionSpec]


def lines_of(spec: es.CollectionSpec, options: LoadOptions | None = None) -> list[dict[str, Any]]:
    loader = DryRunLoader()
    loader.load(spec, options).close()
    assert not loader.open_descriptors
    return [json.loads(line) for line in loader.lines]


def calls(lines: list[dict[str, Any]], command: str) -> list[dict[str, Any]]:
    return [line for line in lines if line.get("command") == f"BPF_{command}"]


def test_every_map_and_program_is_there_with_its_arguments(read_data: Read) -> None:
    spec = read_data("hooks")
    lines = lines_of(spec, LoadOptions(object_name="dir/hooks.o"))
    maps = {line["map_name"]: line for line in calls(lines, "MAP_CREATE")}
    assert set(maps) == {item.libbpf_name("hooks.o") for item in spec.maps}
    assert maps["counts"]["map_type"] == 2
    assert maps["counts"]["value_size"] == 16
    assert maps["samples"]["max_entries"] == 1
    programs = {line["prog_name"]: line for line in calls(lines, "PROG_LOAD")}
    assert set(programs) == set(spec.programs.keys())
    assert programs["guard"]["license"] == "GPL"
    assert programs["guard"]["expected_attach_type"] == 10
    assert len(bytes.fromhex(programs["guard"]["insns"])) == 8 * programs["guard"]["insn_cnt"]


def test_references_become_the_descriptors_recorded(read_data: Read) -> None:
    lines = lines_of(read_data("basic"), LoadOptions(programs=("two",)))
    fds = {line["map_name"]: line["result"] for line in calls(lines, "MAP_CREATE")}
    (program,) = calls(lines, "PROG_LOAD")
    code = bytes.fromhex(program["insns"])
    loads = {
        int.from_bytes(code[at + 4 : at + 8], "little")
        for at in range(0, len(code), 8)
        if code[at] == 0x18 and code[at + 1] >> 4 == 1
    }
    assert loads == set(fds.values())


def test_a_token_goes_with_everything_made(read_data: Read) -> None:
    lines = lines_of(read_data("basic"), LoadOptions(token_dir="/some/bpffs"))
    (token,) = calls(lines, "TOKEN_CREATE")
    assert next(line for line in lines if line["call"] == "open")["path"] == "/some/bpffs"
    made = [*calls(lines, "MAP_CREATE"), *calls(lines, "PROG_LOAD"), *calls(lines, "BTF_LOAD")]
    fields = {"BPF_MAP_CREATE": ("map_token_fd", "map_flags")}
    fields |= {"BPF_PROG_LOAD": ("prog_token_fd", "prog_flags")}
    fields |= {"BPF_BTF_LOAD": ("btf_token_fd", "btf_flags")}
    assert len(made) == 5
    for line in made:
        number, flags = fields[line["command"]]
        assert line[number] == token["result"]
        assert line[flags] & 1 << 16


def test_it_does_not_depend_on_the_host(read_data: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = read_data("pinned")
    expected = lines_of(spec)

    def nowhere(*_: object, **__: object) -> None:
        raise AssertionError("the host was asked")

    for name in ("os.uname", "ctypes.CDLL", "pathlib.Path.read_text", "pathlib.Path.open"):
        monkeypatch.setattr(name, nowhere)
    assert lines_of(spec) == expected


@pytest.mark.parametrize("order", ["clang19-eb"])
def test_another_machines_byte_order_is_refused(order: str) -> None:
    corpus = Path(__file__).resolve().parents[2] / "corpus" / "objects" / "linux"
    with pytest.raises(es.LoadRejectedError, match="big-endian, this kernel little-endian"):
        DryRunLoader().load(es.read(corpus / f"btf_maps-{order}.o"))


def test_every_object_of_the_corpus_goes_through_or_is_refused_in_words() -> None:
    corpus = Path(__file__).resolve().parents[2] / "corpus" / "objects"
    loaded = 0
    refused: list[tuple[str, str | None]] = []
    for path in sorted(corpus.rglob("*.o")):
        loader = DryRunLoader()
        try:
            loader.load(es.read(path), LoadOptions(default_max_entries=8)).close()
            loaded += 1
        except es.LoaderError as error:
            refused.append((path.name, error.result))
        assert not loader.open_descriptors, path
    assert loaded > 30
    assert [name for name, result in refused if result is None] == []
