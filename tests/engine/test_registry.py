from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from ebpf_static.registry import NO_PLUGINS, Registry, get_registry
from tests.engine.samples import registry

OWN = "ebpf_static.engine.own_rules:builtin"

Install: TypeAlias = Callable[..., Registry]

THIRD_PARTY = """
from ebpf_static.findings import Severity
from ebpf_static.plugins import Rule
from tests.engine.samples import PAGE

class Acme(Rule):
    __doc__ = PAGE.format("Acme's own rule.")
    code, name, severity = "ACM001", "acme-rule", Severity.ERROR
    def check(self, spec, context):
        yield from ()

class Thief(Acme):
    __doc__ = PAGE.format("Takes another rule's code.")
    code, name = "ELF001", "thief-rule"

class TakesName(Acme):
    __doc__ = PAGE.format("Takes another rule's name.")
    code, name = "ACM002", "malformed-object"

class Abstract(Acme, abstract=True):
    pass

class NeedsArguments(Acme):
    __doc__ = PAGE.format("Cannot be made.")
    code, name = "ACM003", "needs-arguments"
    def __init__(self, what):
        pass

class Loader:
    name = "acme"

def good(): return (Acme,)
def thieves(): return (Thief, TakesName)
def junk(): return (42,)
def bad_init(): return (NeedsArguments,)
def raises(): raise RuntimeError("no\\x1b[31m luck")
def leaves(): raise SystemExit(3)
def loaders(): return (Loader,)
not_callable = 3
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Return a function that installs a distribution with the entry points given."""
    monkeypatch.delenv(NO_PLUGINS, raising=False)

    def _install(**points: str) -> Registry:
        (tmp_path / "acme_plugin.py").write_text(THIRD_PARTY)
        info = tmp_path / "acme-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n")
        lines = [f"{name} = {value}" for name, value in points.items()]
        text = "[ebpf_static.rules]\n" + "\n".join(lines)
        text += "\n[ebpf_static.loaders]\nacme = acme_plugin:loaders\n"
        (info / "entry_points.txt").write_text(text)
        monkeypatch.syspath_prepend(tmp_path)
        return Registry(rules=(OWN,))

    return _install


def test_built_in_rules_are_found_without_any_entry_point() -> None:
    found = {rule.meta.code: rule.plugin for rule in Registry(third_parties=False).rules}
    assert found["ELF001"] == "ebpf_static"
    assert not Registry(third_parties=False).rule_failures


def test_rules_come_in_code_order() -> None:
    codes = [rule.meta.code for rule in registry().rules]
    assert codes == sorted(codes)


def test_third_parties_have_the_same_rights(install: Install) -> None:
    found = install(acme="acme_plugin:good")
    assert next((r.meta.code, r.plugin) for r in found.rules) == ("ACM001", "acme")
    assert [(x.name, x.plugin) for x in found.loaders if x.plugin == "acme"] == [("acme", "acme")]
    assert not found.rule_failures
    assert not found.loader_failures


def test_other_ways_of_installing_are_left_to_importlib(
    install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(acme="acme_plugin:good")
    archive = tmp_path / "acme.zip"
    with zipfile.ZipFile(archive, "w") as target:
        for path in [tmp_path / "acme_plugin.py", *(tmp_path / "acme-1.0.dist-info").iterdir()]:
            target.write(path, path.relative_to(tmp_path))
    monkeypatch.setattr(sys, "path", [str(archive), *(p for p in sys.path if p != str(tmp_path))])
    assert "acme" in {rule.plugin for rule in Registry(rules=(OWN,)).rules}


def test_without_plugins_importlib_metadata_is_not_imported(repository: Path) -> None:
    code = (
        "import sys; from ebpf_static.registry import Registry;"
        "found = Registry(rules=('ebpf_static.engine.own_rules:builtin',)); found.rules;"
        "print('importlib.metadata' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=repository
    )
    assert done.stdout == "False\n"


def test_the_environment_turns_third_parties_off(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(acme="acme_plugin:raises")
    monkeypatch.setenv(NO_PLUGINS, "1")
    found = Registry(rules=(OWN,))
    assert not found.rule_failures
    assert all(rule.plugin != "acme" for rule in found.rules)


@pytest.mark.parametrize(
    ("point", "message"),
    [
        ("acme_plugin:raises", "RuntimeError"),
        ("acme_plugin:leaves", "SystemExit"),
        ("acme_plugin:nothing", "AttributeError"),
        ("acme_nowhere:builtin", "ModuleNotFoundError"),
        ("acme_plugin:not_callable", "not a function"),
        ("acme_plugin:junk", "not a rule class"),
        ("acme_plugin:bad_init", "rule ACM003: TypeError"),
    ],
)
def test_a_broken_plugin_is_recorded_and_the_rest_works(
    install: Install, point: str, message: str
) -> None:
    found = install(broken=point)
    (failure,) = found.rule_failures
    assert failure.message.startswith("plugin 'broken': ")
    assert message in failure.message
    assert "ELF001" in [rule.meta.code for rule in found.rules]


def test_a_code_or_name_that_is_taken_is_refused(install: Install) -> None:
    found = install(thief="acme_plugin:thieves")
    assert [failure.message for failure in found.rule_failures] == [
        "plugin 'thief': ELF001 is already defined by plugin 'ebpf_static'",
        "plugin 'thief': malformed-object is already defined by plugin 'ebpf_static'",
    ]
    assert {rule.plugin for rule in found.rules} == {"ebpf_static"}


def test_a_missing_built_in_package_is_a_failure_too() -> None:
    found = Registry(rules=(OWN, "ebpf_static_nowhere:builtin"), third_parties=False)
    assert "ebpf_static_nowhere" in found.rule_failures[0].message


def test_the_default_registry_is_made_once() -> None:
    assert get_registry() is get_registry()
