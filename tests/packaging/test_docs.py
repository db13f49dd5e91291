"""The documentation: pages made from code are current, commands and settings real; it builds."""

from __future__ import annotations

import argparse
import importlib.util
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from ebpf_static.cli.main import build_parser
from ebpf_static.config.schema import CONFIG, read_schema

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*(ROOT / "docs").glob("*.md"), ROOT / "README.md"])
_BLOCK = re.compile(r"(?ms)^ *```(\w+)\n(.*?)^ *```")


def blocks(*languages: str) -> list[Any]:
    return list(_iter_blocks(languages))


def _iter_blocks(languages: tuple[str, ...]) -> Iterator[Any]:
    for page in PAGES:
        for number, (language, text) in enumerate(_BLOCK.findall(page.read_text("utf-8"))):
            if language in languages:
                yield pytest.param(text, id=f"{page.stem}-{number}")


def commands() -> list[Any]:
    found = {}
    for page in PAGES:
        text = page.read_text("utf-8")
        lines = [line for _, block in _BLOCK.findall(text) for line in block.splitlines()]
        for line in lines:
            match = re.search(r"(?:^|[\s'])(ebpf-static (?:--|[a-z]).*)", line)
            if match and "entry:" not in line:
                command = match[1].partition("  #")[0].partition(" #")[0].strip().rstrip("'")
                found[command] = pytest.param(command, id=f"{page.stem}: {command}")
    return list(found.values())


@pytest.mark.parametrize("command", commands())
def test_commands_in_the_documentation_are_commands(command: str) -> None:
    words = shlex.split(command.replace("[PATH…]", "PATH").replace("[--disasm]", "--disasm"))
    if {"--version", "--help"} & set(words):
        return
    build_parser().parse_args(words[1:])


@pytest.mark.parametrize("text", blocks("toml"))
def test_settings_in_the_documentation_are_settings(text: str) -> None:
    document = tomllib.loads(text)
    if "project" not in document:
        jsonschema.validate(document, read_schema(CONFIG))


@pytest.mark.parametrize("text", blocks("yaml"))
def test_recipes_are_yaml(text: str) -> None:
    assert yaml.safe_load(text)


@pytest.mark.parametrize("text", blocks("python"))
def test_examples_in_python_are_python(text: str) -> None:
    compile(text, "<docs>", "exec")


def builder(repository: Path) -> Any:
    """Return scripts/build_docs.py as a module."""
    file = repository / "scripts" / "build_docs.py"
    spec = importlib.util.spec_from_file_location("build_docs", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_links_lead_somewhere(repository: Path) -> None:
    made = builder(repository)
    pages = made.make_pages()
    assert list(made.iter_broken_links(pages)) == []
    assert list(made.iter_broken_links({"a.md": "[x](b.md)", "b.md": "[y](a.md#z)\n"})) == [
        "b.md: a.md#z"
    ]
    assert {"tables/linux-helpers.md", "tables/windows-limits.md"} <= set(pages)
    assert "since 5.17; needs CAP\\_BPF" in pages["tables/linux-helpers.md"]


def test_links_of_the_readme_lead_somewhere(repository: Path) -> None:
    text = (repository / "README.md").read_text("utf-8")
    targets = re.findall(r"\]\(([^)#]+)[^)]*\)", text)
    assert targets
    for target in targets:
        assert "://" in target or (repository / target).exists(), target


def test_every_command_is_in_the_table(repository: Path) -> None:
    table = (repository / "README.md").read_text("utf-8")
    commands = next(
        it.choices for it in build_parser()._actions if isinstance(it, argparse._SubParsersAction)
    )
    missing = [name for name in commands if not re.search(rf"`[^`]*\b{name}\b[^`]*`", table)]
    assert missing == []


def test_every_page_can_be_found(repository: Path) -> None:
    nav = (repository / "docs" / "zensical.toml").read_text("utf-8")
    for page in (repository / "docs").glob("*.md"):
        times = nav.count(f'"{page.name}"')
        assert times == 1, f"{page.name} must be in docs/zensical.toml once, so that it is found"


@pytest.mark.parametrize("script", ["make_rule_docs.py"])
def test_pages_made_from_code_are_current(repository: Path, script: str) -> None:
    words = [sys.executable, str(repository / "scripts" / script), "--check"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}: run scripts/{script}"


def test_the_site_builds(repository: Path, tmp_path: Path) -> None:
    if importlib.util.find_spec("zensical") is None:
        pytest.skip("zensical is not installed: pip install --group docs")
    words = [sys.executable, "scripts/build_docs.py", "--output", str(tmp_path)]
    done = subprocess.run(words, cwd=repository, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for page in ("index", "ci", "commands", "rules/MAP101", "tables/linux-helpers", "changelog"):
        html = (tmp_path / f"{page}.html").read_text("utf-8")
        assert "<h1" in html
    assert "<table" in (tmp_path / "tables" / "linux-helpers.html").read_text("utf-8")
    fetched = re.findall(r'(?:src|href)="(https?://[^"]+\.(?:js|css|woff2))"', html)
    assert not fetched, "a page fetches something from elsewhere"
