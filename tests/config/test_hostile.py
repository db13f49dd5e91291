"""Configuration and baseline readers: settings or a ConfigError, whatever the bytes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ebpf_static.config.load import known_keys, load_file, load_inline
from ebpf_static.config.model import Settings
from ebpf_static.engine.baseline import read_baseline
from ebpf_static.errors import ConfigError

_SHARED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
_KEYS = st.sampled_from(sorted(known_keys())) | st.text(max_size=8)


def refused_in_one_line(attempt: Callable[[], object]) -> None:
    try:
        attempt()
    except ConfigError as error:
        message = str(error)
    else:
        message = ""
    assert "\n" not in message


@_SHARED
@given(key=_KEYS, value=_VALUES)
@example(key="\n", value=[])
def test_settings(tmp_path: Path, key: str, value: Any) -> None:
    text = f"{json.dumps(key)} = {json.dumps(value)}"
    path = tmp_path / "ebpf-static.toml"
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    refused_in_one_line(lambda: load_file(path))
    refused_in_one_line(lambda: load_inline(text, Settings()))


@_SHARED
@given(objects=_VALUES)
def test_baselines(tmp_path: Path, objects: Any) -> None:
    path = tmp_path / "baseline.json"
    path.write_text(json.dumps({"schema_version": 1, "objects": objects}))
    refused_in_one_line(lambda: read_baseline(path))
