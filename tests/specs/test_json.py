"""A spec goes to JSON and comes back equal, and is the same JSON in every process."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

from ebpf_static.btf import Btf
from ebpf_static.errors import EbpfStaticError
from ebpf_static.reading import read
from ebpf_static.specs import CollectionSpec, ProgramSpec
from ebpf_static.specs.base import Text
from tests.differential.objects import OURS, ROOT, debian_objects
from tests.formats.writing import ObjectWriter

_OBJECTS = sorted(OURS.rglob("*.o"))
_TEXT: TypeAdapter[str] = TypeAdapter(Text)


@pytest.mark.parametrize("path", _OBJECTS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_round_trip(path: Path) -> None:
    spec = read(path)
    text = spec.model_dump_json()
    again = CollectionSpec.model_validate_json(text)
    assert again == spec
    assert hash(again) == hash(spec)
    assert again.model_dump_json() == text
    assert [type(f) for f in again.functions] == [type(f) for f in spec.functions]
    assert again.functions[:1] == () or again.functions[0].instructions


def test_round_trip_of_debian_objects() -> None:
    paths = debian_objects().values()
    if not paths:
        pytest.skip("the Debian corpus is not here: run corpus/fetch_debian.py")
    for path in paths:
        spec = read(path)
        assert CollectionSpec.model_validate_json(spec.model_dump_json()) == spec, path


def test_python_dump_comes_back_too() -> None:
    spec = read(OURS / "linux" / "externs-clang19-eb.o")
    assert CollectionSpec.model_validate(spec.model_dump()) == spec


_HASHES = """
import hashlib, json, sys
from ebpf_static.reading import read
print(json.dumps({p: hashlib.sha256(read(p).model_dump_json().encode()).hexdigest()
                  for p in sys.argv[1:]}))
"""


def test_same_bytes_give_the_same_spec_in_every_process() -> None:
    names = [str(path.relative_to(ROOT)) for path in _OBJECTS]
    here = {
        name: hashlib.sha256(read(ROOT / name).model_dump_json().encode()).hexdigest()
        for name in names
    }
    for seed in ("0", "4711"):
        done = subprocess.run(
            [sys.executable, "-c", _HASHES, *names],
            cwd=ROOT,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            check=True,
        )
        assert json.loads(done.stdout) == here


def test_reading_paths_bytes_and_files_is_the_same() -> None:
    path = OURS / "linux" / "core-clang19-el.o"
    spec = read(path)
    assert read(str(path)) == read(path.read_bytes()) == read(bytearray(path.read_bytes())) == spec
    with path.open("rb") as file:
        assert read(file) == spec


@pytest.mark.parametrize("text", ["", "plain", "na\u00efve", "caf\udce9", "\udc80\udcff", "a\0b"])
def test_text(text: str) -> None:
    raw = _TEXT.dump_json(text)
    assert _TEXT.validate_json(raw) == text
    assert raw.startswith(b'{"base64":') == ("\udc80" <= max(text, default="") <= "\udcff")


@pytest.mark.parametrize(
    "raw", ['{"base64": 5}', '{"base64": "%"}', '{"base64": "QQ==", "more": 1}', "5", "null"]
)
def test_what_is_no_text(raw: str) -> None:
    with pytest.raises(ValidationError):
        _TEXT.validate_json(raw)


def _document() -> dict[str, object]:
    document: dict[str, object] = json.loads(
        read(OURS / "linux" / "core-clang19-el.o").model_dump_json()
    )
    return document


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("btf", "%%%", "base64"),
        ("btf", "AAAA", "no BTF magic"),
        ("btf", 5, "instance of Btf"),
        ("btf", None, "needs the .BTF"),
        ("btf_ext", "AAAA", "no BTF magic"),
        ("platform", "beos", "'linux', 'windows' or 'unknown'"),
        ("unheard_of", 1, "Extra inputs"),
    ],
)
def test_broken_documents_are_refused(field: str, value: object, message: str) -> None:
    document = _document() | {field: value}
    with pytest.raises((ValidationError, EbpfStaticError), match=message):
        CollectionSpec.model_validate_json(json.dumps(document))


def test_btf_of_a_read_back_spec_knows_its_place_in_the_file() -> None:
    spec = read(OURS / "linux" / "core-clang19-el.o")
    again = CollectionSpec.model_validate_json(spec.model_dump_json())
    assert isinstance(spec.btf, Btf)
    assert again.btf is not None
    assert again.btf.type_offset(1) == spec.btf.type_offset(1)
    assert again.btf_ext == spec.btf_ext


def test_schema_of_the_json_can_be_stated() -> None:
    schema = CollectionSpec.model_json_schema()
    assert schema["properties"]["btf"]["anyOf"][0]["contentEncoding"] == "base64"


def test_model_of_a_program_beats_that_of_a_function() -> None:
    writer = ObjectWriter()
    writer.program()
    writer.program(".text", name="sub")
    spec = writer.read()
    again = CollectionSpec.model_validate_json(spec.model_dump_json())
    assert [isinstance(f, ProgramSpec) for f in again.functions] == [True, False]
