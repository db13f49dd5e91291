"""Constants know their platform, forgive unknown numbers and survive JSON."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, ValidationError

from ebpf_static import uapi
from ebpf_static.errors import UsageError
from ebpf_static.target import Platform
from ebpf_static.uapi import base
from ebpf_static.uapi.constants import AttachType, HelperId, MapType, ProgramType, UapiConstant

LINUX, WINDOWS = Platform.LINUX, Platform.WINDOWS
KINDS: list[type[UapiConstant]] = [MapType, ProgramType, AttachType, HelperId]
WINDOWS_XDP = ProgramType.named(WINDOWS, "XDP")


@pytest.mark.parametrize(
    ("constant", "number", "name", "uapi"),
    [
        (MapType.of(LINUX, 27), 27, "RINGBUF", "BPF_MAP_TYPE_RINGBUF"),
        (MapType.of(WINDOWS, 13), 13, "RINGBUF", "BPF_MAP_TYPE_RINGBUF"),
        (MapType.of(LINUX, 19), 19, "CGROUP_STORAGE", "BPF_MAP_TYPE_CGROUP_STORAGE"),
        (ProgramType.of(LINUX, 6), 6, "XDP", "BPF_PROG_TYPE_XDP"),
        (ProgramType.of(WINDOWS, 2), 2, "BIND", "BPF_PROG_TYPE_BIND"),
        (AttachType.of(LINUX, 0), 0, "CGROUP_INET_INGRESS", "BPF_CGROUP_INET_INGRESS"),
        (AttachType.of(WINDOWS, 2), 2, "BIND", "BPF_ATTACH_TYPE_BIND"),
        (AttachType.of(WINDOWS, 1), 1, "XDP", "BPF_XDP"),
        (HelperId.of(LINUX, 1), 1, "map_lookup_elem", "BPF_FUNC_map_lookup_elem"),
        (HelperId.of(WINDOWS, 22), 22, "memcpy_s", "BPF_FUNC_memcpy_s"),
    ],
)
def test_names(constant: UapiConstant, number: int, name: str, uapi: str) -> None:
    assert (constant.number, constant.name, constant.uapi) == (number, name, uapi)
    assert str(constant) == uapi
    assert constant.known
    assert constant.source


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("platform", [LINUX, WINDOWS])
def test_every_member_is_found_again(kind: type[UapiConstant], platform: Platform) -> None:
    members = kind.members(platform)
    assert len(set(members)) == len(members)
    for member in members:
        assert member.known
        assert member.platform is platform
        for spelling in (member.name, member.uapi, member.name.swapcase()):
            assert kind.named(platform, spelling) is member
        assert kind.from_dict(member.to_dict()) is member
        assert pickle.loads(pickle.dumps(member)) == member
        assert copy.deepcopy(member) == member
        if not isinstance(member, HelperId):
            assert kind.of(platform, member.number) is member


def test_aliases_are_accepted() -> None:
    deprecated = MapType.named(LINUX, "BPF_MAP_TYPE_CGROUP_STORAGE_DEPRECATED")
    assert deprecated is MapType.of(LINUX, 19)
    assert HelperId.named(WINDOWS, "bpf_memcpy").number == 22
    assert HelperId.named(LINUX, "bpf_map_lookup_elem").number == 1


@pytest.mark.parametrize("kind", KINDS)
def test_an_unknown_name_is_the_callers_mistake(kind: type[UapiConstant]) -> None:
    with pytest.raises(UsageError, match=r"eBPF for Windows has no .* called 'FOO'"):
        kind.named(WINDOWS, "FOO")


def test_platforms_and_kinds_are_never_equal() -> None:
    assert MapType.of(LINUX, 1) != MapType.of(WINDOWS, 1)
    assert MapType.of(LINUX, 1).name == MapType.of(WINDOWS, 1).name
    others: list[object] = [ProgramType.of(LINUX, 1), HelperId.of(LINUX, 1), 1, "HASH"]
    assert MapType.of(LINUX, 1) not in others
    assert MapType(LINUX, 1) == MapType.of(LINUX, 1)
    assert len({MapType.of(LINUX, 1), MapType.of(WINDOWS, 1), ProgramType.of(LINUX, 1)}) == 3


def test_unknown_platform_means_linux_numbers() -> None:
    assert MapType.of(Platform.UNKNOWN, 1) is MapType.of(LINUX, 1)
    assert MapType(Platform.UNKNOWN, 1).platform is LINUX


def test_constants_are_no_numbers() -> None:
    constant = MapType.of(LINUX, 1)
    with pytest.raises(TypeError):
        int(constant)  # type: ignore[call-overload]
    with pytest.raises(TypeError):
        constant < MapType.of(LINUX, 2)  # type: ignore[operator] # noqa: B015
    with pytest.raises(AttributeError):
        constant.number = 2  # type: ignore[misc]
    assert not hasattr(constant, "__dict__")


@given(st.sampled_from(KINDS), st.sampled_from(Platform), st.integers(-(2**31), 2**32 - 1))
def test_any_number_is_a_value(kind: type[UapiConstant], platform: Platform, number: int) -> None:
    constant = kind.of(platform, number)
    assert constant.number == number
    assert constant == kind.of(platform, number)
    assert constant.name.isprintable()
    assert kind.from_dict(constant.to_dict()) == constant
    if not constant.known and not (isinstance(constant, HelperId) and constant.per_program_type):
        assert constant.name == f"UNKNOWN_{number}"
        assert constant.uapi.startswith("unknown ")
        assert constant.libbpf_name is constant.since is constant.source is None


def test_only_known_constants_are_kept() -> None:
    for number in range(10_000, 10_500):
        MapType.of(LINUX, number)
    assert len(base.find_known(MapType, LINUX)) == len(MapType.members(LINUX))
    assert MapType.of(LINUX, 10_000) is not MapType.of(LINUX, 10_000)


def test_libbpf_names() -> None:
    assert MapType.of(LINUX, 9).libbpf_name == "lru_hash"
    assert ProgramType.named(LINUX, "SCHED_CLS").libbpf_name == "sched_cls"
    assert AttachType.named(LINUX, "MODIFY_RETURN").libbpf_name == "modify_return"
    assert MapType.of(WINDOWS, 9).libbpf_name is None
    assert HelperId.of(LINUX, 1).libbpf_name is None


def test_counterparts() -> None:
    assert MapType.of(WINDOWS, 13).on(LINUX) is MapType.of(LINUX, 27)
    assert MapType.of(LINUX, 27).on(WINDOWS) is MapType.of(WINDOWS, 13)
    assert MapType.of(LINUX, 7).on(WINDOWS) is None
    assert ProgramType.named(WINDOWS, "BIND").on(LINUX) is None
    assert AttachType.named(LINUX, "XDP").on(WINDOWS) is AttachType.of(WINDOWS, 1)
    assert MapType.of(LINUX, 99).on(WINDOWS) is None
    assert MapType.of(LINUX, 99).on(LINUX) == MapType.of(LINUX, 99)


def test_guids() -> None:
    assert WINDOWS_XDP.guid == "f1832a85-85d5-45b0-98a0-7069d63013b0"
    assert ProgramType.from_guid("{F1832A85-85D5-45B0-98A0-7069D63013B0}") is WINDOWS_XDP
    assert AttachType.from_guid("b9707e04-8127-4c72-833e-05b1fb439496").name == "BIND"  # type: ignore[union-attr]
    assert ProgramType.from_guid("not a guid") is None
    assert ProgramType.of(LINUX, 6).guid is None


def test_facts_beside_the_name() -> None:
    assert ProgramType.of(LINUX, 6).ctx_type == "struct xdp_md"
    assert WINDOWS_XDP.ctx_type == "xdp_md_t"
    assert AttachType.named(LINUX, "XDP").program_types == (ProgramType.of(LINUX, 6),)
    assert AttachType.named(LINUX, "PERF_EVENT").program_types[0].name == "PERF_EVENT"
    assert AttachType.of(LINUX, 999).program_types == ()
    assert MapType.of(LINUX, 27).since == "5.8"
    assert MapType.of(WINDOWS, 14).since == "0.21.0"
    assert ProgramType.named(WINDOWS, "XDP_TEST").last_release == "0.21.1"
    assert WINDOWS_XDP.last_release is None


class TestWindowsExtensionHelpers:
    def test_the_program_type_decides(self) -> None:
        sock_ops = ProgramType.named(WINDOWS, "SOCK_OPS")
        adjust_head = HelperId.of(WINDOWS, 65536, WINDOWS_XDP)
        assert adjust_head.name == "xdp_adjust_head"
        assert adjust_head.scope is WINDOWS_XDP
        assert HelperId.of(WINDOWS, 65536, sock_ops).name == "sock_ops_get_flow_id"
        assert HelperId.of(WINDOWS, 65536, sock_ops) != adjust_head
        assert HelperId.of(WINDOWS, 65536, WINDOWS_XDP) is adjust_head

    def test_without_one_the_name_says_so(self) -> None:
        helper = HelperId.of(WINDOWS, 65536)
        assert not helper.known
        assert helper.scope is None
        assert helper.name == "PER_PROGRAM_TYPE_65536"
        assert "depends on the program type" in helper.uapi
        assert {it.name for it in helper.candidates} >= {"xdp_adjust_head", "sock_ops_get_flow_id"}
        assert HelperId.of(WINDOWS, 80_000).candidates == ()

    def test_a_type_that_does_not_define_it_keeps_its_scope(self) -> None:
        helper = HelperId.of(WINDOWS, 65537, WINDOWS_XDP)
        assert not helper.known
        assert helper.scope is WINDOWS_XDP
        assert (helper.name, helper.uapi) == ("UNKNOWN_65537", "unknown XDP helper 65537")
        stranger = ProgramType.of(WINDOWS, 4242)
        assert HelperId.of(WINDOWS, 65536, stranger).scope == stranger
        assert HelperId.from_dict(helper.to_dict()) == helper

    def test_general_and_linux_helpers_have_no_scope(self) -> None:
        assert HelperId.of(WINDOWS, 5, WINDOWS_XDP) is HelperId.of(WINDOWS, 5)
        assert HelperId.of(LINUX, 65536, ProgramType.of(LINUX, 6)).scope is None
        assert HelperId.of(LINUX, 65536).name == "UNKNOWN_65536"
        assert HelperId.of(WINDOWS, 65534).name == "UNKNOWN_65534"
        assert HelperId.of(WINDOWS, 65535).name == "PER_PROGRAM_TYPE_65535"

    def test_a_scope_of_the_other_platform_is_refused(self) -> None:
        with pytest.raises(UsageError, match="know no program type"):
            HelperId.of(WINDOWS, 65536, ProgramType.of(LINUX, 6))


class Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    map_type: MapType
    helper: HelperId
    attach_type: AttachType | None = None


class TestPydantic:
    MODEL = Model(
        map_type=MapType.of(LINUX, 99),
        helper=HelperId.of(WINDOWS, 65536, WINDOWS_XDP),
        attach_type=AttachType.of(LINUX, 0),
    )

    def test_round_trip(self) -> None:
        assert Model.model_validate_json(self.MODEL.model_dump_json()) == self.MODEL
        assert Model.model_validate(self.MODEL.model_dump()) == self.MODEL
        assert hash(Model.model_validate(self.MODEL.model_dump())) == hash(self.MODEL)

    def test_form(self) -> None:
        dumped = self.MODEL.model_dump(mode="json")
        assert dumped["attach_type"] == {
            "platform": "linux",
            "number": 0,
            "name": "CGROUP_INET_INGRESS",
            "uapi": "BPF_CGROUP_INET_INGRESS",
        }
        assert dumped["helper"]["scope"]["name"] == "XDP"
        assert "scope" not in HelperId.of(LINUX, 1).to_dict()

    def test_name_and_uapi_are_not_needed(self) -> None:
        fields = {"platform": "windows", "number": 13}
        model = Model.model_validate({"map_type": fields, "helper": HelperId.of(LINUX, 1)})
        assert model.map_type is MapType.of(WINDOWS, 13)

    @pytest.mark.parametrize(
        "value",
        [
            27,
            "RINGBUF",
            {"number": 27},
            {"platform": "unknown", "number": 27},
            {"platform": "linux", "number": 2**32},
            {"platform": "linux", "number": 27, "colour": "red"},
            ProgramType.of(LINUX, 6),
        ],
    )
    def test_anything_else_is_refused(self, value: object) -> None:
        with pytest.raises(ValidationError):
            Model.model_validate({"map_type": value, "helper": HelperId.of(LINUX, 1)})

    @pytest.mark.parametrize("mode", ["validation", "serialization"])
    def test_there_is_a_json_schema(self, mode: str) -> None:
        schema = Model.model_json_schema(mode=mode)  # type: ignore[arg-type]
        assert schema["properties"]["map_type"]["properties"]["platform"]["enum"] == [
            "linux",
            "windows",
        ]


def test_names_need_no_pydantic() -> None:
    package = Path(uapi.__path__[0]).parent
    code = (
        "import sys; sys.modules['pydantic'] = sys.modules['pydantic_core'] = None\n"
        "import types\n"
        "package = types.ModuleType('ebpf_static'); package.__path__ = [sys.argv[1]]\n"
        "sys.modules['ebpf_static'] = package\n"
        "from ebpf_static.uapi.constants import MapType\n"
        "from ebpf_static.uapi.sections import match_linux\n"
        "from ebpf_static.target import Platform\n"
        "print(MapType.of(Platform.LINUX, 27), match_linux('xdp').program_type)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, str(package)], capture_output=True, text=True, check=False
    )
    assert run.stdout.split() == ["BPF_MAP_TYPE_RINGBUF", "BPF_PROG_TYPE_XDP"], run.stderr
