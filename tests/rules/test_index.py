"""The index lists exactly the rules there are, so that a run can choose without importing them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import ebpf_static_rules
from ebpf_static.plugins import RuleEntry


def test_index_is_current(repository: Path) -> None:
    script = repository / "scripts" / "make_rule_index.py"
    done = subprocess.run([sys.executable, str(script), "--check"], check=False)
    assert done.returncode == 0, "run scripts/make_rule_index.py"


def test_entries_load_the_rules_they_name() -> None:
    classes = {rule.code: rule for rule in ebpf_static_rules.iter_classes()}
    for entry in ebpf_static_rules.builtin():
        rule = entry.load()
        assert rule is classes[entry.code]
        assert RuleEntry.of(rule) == entry
