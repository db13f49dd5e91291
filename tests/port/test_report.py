"""What the port report says of objects of either platform."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ebpf_static.cli.main import main
from ebpf_static.errors import UsageError
from ebpf_static.port import PortReport, port
from ebpf_static.port.text import render_markdown, render_text
from ebpf_static.reading import read
from ebpf_static.target import Platform
from tests.rules.image_builder import build_image
from tests.rules.spec_builder import build_spec

OBJECTS = Path(__file__).resolve().parents[2] / "corpus" / "objects"
LINUX, WINDOWS = Platform.LINUX, Platform.WINDOWS


def _port(given: dict[str, Any], to: Platform = WINDOWS) -> PortReport:
    return port(build_spec(given), to, "test.o")


def _blockers(report: PortReport) -> list[str]:
    return [it.what for it in report.all_blockers]


def test_maps_have_their_numbers_there() -> None:
    report = _port({"maps": [
        {"name": "events", "type": "RINGBUF", "max_entries": 4096},
        {"name": "trie", "type": "LPM_TRIE", "key_size": 8, "value_size": 4, "flags": 1},
        {"name": "stack", "type": "STACK_TRACE", "key_size": 4, "value_size": 8},
    ]})  # fmt: skip
    events, trie, stack = report.maps
    assert events.twin is not None
    assert (events.type.number, events.twin.number, events.renumbered) == (27, 13, True)
    assert "map_flags, numa_node and map_extra must be left out" in trie.differences
    assert any("no reserve/submit/discard" in text for text in events.differences)
    assert stack.twin is None
    assert not stack.renumbered
    assert _blockers(report) == ["eBPF for Windows has no BPF_MAP_TYPE_STACK_TRACE"]
    assert report.blockers == ()
    assert report.blocked


def test_rings_and_processors() -> None:
    to_windows = _port({"maps": [{"name": "p", "type": "PERF_EVENT_ARRAY", "max_entries": 8}]})
    assert any("power of two of at least 4096" in it for it in to_windows.maps[0].differences)
    to_linux = _port(
        {"platform": "windows", "maps": [{"name": "p", "type": "PERF_EVENT_ARRAY"}]}, LINUX
    )
    assert any("number of processors" in text for text in to_linux.maps[0].differences)


def test_helpers_are_told_once_with_their_calls() -> None:
    code = ["call 130", "call 130", "call 6", "call 113", "exit"]
    report = _port({"programs": [{"name": "f", "code": code}]})
    by_name = {it.helper.name: it for it in report.helpers}
    output = by_name["ringbuf_output"]
    assert [twin.number for twin in output.twins] == [11]
    assert output.renumbered
    assert output.count == 2
    assert [place.insn for place in output.calls] == [0, 1]
    assert len(by_name["trace_printk"].twins) == 4
    assert by_name["probe_read_kernel"].twins == ()
    assert "eBPF for Windows has no probe_read_kernel" in _blockers(report)


def test_a_helper_that_exists_but_not_for_the_type() -> None:
    program = {"name": "f", "section": "xdp", "code": ["call 46", "exit"]}
    report = _port({"programs": [program]})
    assert "eBPF for Windows has get_socket_cookie, but not for XDP programs" in _blockers(report)
    fine = _port({"programs": [program | {"section": "cgroup/connect4"}]})
    assert not any("get_socket_cookie" in it for it in _blockers(fine))


def test_extension_helpers_find_their_program_type() -> None:
    given = {
        "platform": "windows",
        "programs": [
            {"name": "f", "section": "xdp", "code": ["call 65536", "exit"]},
            {"name": "g", "section": "sockops", "code": ["call 65536", "exit"]},
        ],
    }
    report = _port(given, LINUX)
    assert [(it.helper.name, [twin.number for twin in it.twins]) for it in report.helpers] == [
        ("xdp_adjust_head", [44]),
        ("sock_ops_get_flow_id", []),
    ]


def test_context_fields_and_verdicts_are_translated() -> None:
    code = ["ldx 32 r2 r1 24", "ldx 32 r3 r1 12", "st 32 r1 8 1", "mov r0 1", "exit"]
    report = _port({"programs": [{"name": "f", "section": "cgroup/connect6", "code": code}]})
    (program,) = report.programs
    assert (program.context, program.twin_context) == ("struct bpf_sock_addr", "bpf_sock_addr_t")
    told = [(it.offset, it.writes, it.field, it.twin, it.twin_offset) for it in program.fields]
    assert told == [
        (24, False, "user_port", "user_port", 40),
        (12, False, "user_ip6", "user_ip6", 28),
        (8, True, "user_ip6", "user_ip6", 24),
    ]
    (verdict,) = program.verdicts
    assert (verdict.value, verdict.twin_value) == (1, 1)
    xdp = _port({"programs": [{"name": "f", "code": ["mov r0 2", "exit"]}]}).programs[0]
    assert [(it.value, it.name, it.twin_value) for it in xdp.verdicts] == [(2, "XDP_PASS", 1)]


def test_a_field_that_is_missing_there_is_in_the_way() -> None:
    report = _port({"programs": [{"name": "f", "code": ["ldx 32 r2 r1 16", "exit"]}]})
    assert "`xdp_md_t` has no `rx_queue_index`" in _blockers(report)
    (blocker,) = report.programs[0].blockers
    assert blocker.locations[0].insn == 0


@pytest.mark.parametrize(
    ("section", "there"),
    [("xdp", "xdp"), ("sockops", "sockops"), ("cgroup/connect4", "cgroup/connect4"),
     ("cgroup/bind6", "cgroup/bind6"), ("xdp.frags", "xdp")],
)  # fmt: skip
def test_sections_to_windows(section: str, there: str) -> None:
    (program,) = _port({"programs": [{"name": "f", "section": section}]}).programs
    assert program.twin_section == there
    assert program.twin_type is not None
    assert program.twin_attach_type is not None


@pytest.mark.parametrize("section", ["kprobe/x", "xdp/devmap", "cgroup/sendmsg4", "mine"])
def test_sections_windows_does_not_have(section: str) -> None:
    report = _port({"programs": [{"name": "f", "section": section}]})
    assert report.programs[0].twin_section is None
    assert report.programs[0].blockers


def test_linux_has_no_listen_whatever_the_documentation_says() -> None:
    given = {"platform": "windows", "programs": [{"name": "f", "section": "cgroup/listen4"}]}
    (what,) = _blockers(_port(given, LINUX))
    assert what == (
        "Linux has no attach type CGROUP_INET4_LISTEN, although docs/ListenHook.md of eBPF for "
        "Windows says so"
    )


def test_gpl_helpers_need_a_licence_on_linux() -> None:
    given = {"platform": "windows", "programs": [
        {"name": "f", "section": "xdp", "code": ["call 32", "exit"]}
    ]}  # fmt: skip
    assert any("perf_event_output" in it for it in _port(given, LINUX).differences)
    assert not any(
        "perf_event" in it for it in _port(given | {"license": "GPL"}, LINUX).differences
    )


def test_externs_are_in_the_way_both_ways() -> None:
    module = {"name": "lookup", "kind": "kfunc", "section": ".ksyms", "tags": ["module_id:{x}"]}
    kernel = {"name": "bpf_rcu_read_lock", "kind": "kfunc", "section": ".ksyms"}
    assert any("bpf_rcu_read_lock" in it for it in _blockers(_port({"externs": [kernel]})))
    assert _blockers(_port({"externs": [module]})) == []
    there = _port({"platform": "windows", "externs": [module]}, LINUX)
    assert any("function of an efW module" in it for it in _blockers(there))


def test_a_native_image_has_no_bytecode() -> None:
    image = build_image({"programs": [{"name": "f", "helpers": [[0, ""], [11, "helper_id_11"]]}]})
    report = port(image, LINUX, "driver.sys")
    assert any("machine code" in it for it in _blockers(report))
    assert [it.twins[0].number for it in report.helpers] == [130]


def test_the_same_platform_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="has Linux numbers already"):
        _port({}, LINUX)


@pytest.mark.parametrize(
    "path", sorted(OBJECTS.glob("*/*.o")), ids=lambda it: f"{it.parent.name}/{it.name}"
)
def test_every_object_can_be_told(path: Path) -> None:
    spec = read(path)
    to = WINDOWS if spec.numbering is LINUX else LINUX
    report = port(spec, to, path.name)
    assert len(report.programs) == len(spec.programs)
    assert PortReport.model_validate_json(report.model_dump_json()) == report
    for text in (render_text(report), render_markdown(report)):
        assert path.name.replace("_", "") in text.replace("\\_", "").replace("_", "")
        assert text.isascii() or "…" in text


def test_names_cannot_leave_their_line() -> None:
    given = {"maps": [{"name": "a`\n# b\x1b[31m<i>", "type": "STACK_TRACE"}],
             "programs": [{"name": "f`\n", "section": "mine"}]}  # fmt: skip
    report = _port(given)
    for text in (render_text(report), render_markdown(report)):
        assert "\x1b" not in text
        assert "\n# b" not in text
        assert "a'" in text or "a\\'" in text


def test_names_that_are_no_text_are_spelled_out_in_json() -> None:
    name = b"a\xff".decode("utf-8", "surrogateescape")
    report = _port({"maps": [{"name": name, "type": "STACK_TRACE"}],
                    "programs": [{"name": name, "section": name}]})  # fmt: skip
    document = json.loads(report.model_dump_json())
    assert document["programs"][0]["blockers"][0]["locations"][0]["program"] == "a\\udcff"
    assert PortReport.model_validate_json(report.model_dump_json()).maps[0].name == name


def test_command(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = str(OBJECTS / "windows" / "xdp_maps-clang19-el.o")
    assert main(["port", path, "--to", "linux"]) == 0
    assert "`LPM_TRIE` 9 -> `LPM_TRIE` 11" in capsys.readouterr().out
    assert main(["port", path, "--to", "linux", "--output-format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["source"], document["to"]) == ("windows", "linux")
    target = tmp_path / "report.md"
    assert (
        main(["port", path, "--to", "linux", "--output-format", "markdown", "-o", str(target)]) == 0
    )
    assert target.read_text("utf-8").startswith("# ")
    assert main(["port", path, "--to", "windows"]) == 2
    assert "has eBPF for Windows numbers already" in capsys.readouterr().err


def test_command_takes_an_unknown_object_for_the_other_platforms(
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = str(OBJECTS / "windows" / "plain_xdp-clang19-el.o")
    for to, source in (("linux", "eBPF for Windows"), ("windows", "Linux")):
        assert main(["port", path, "--to", to]) == 0
        assert f"{source}, as far as one can tell ->" in capsys.readouterr().out
