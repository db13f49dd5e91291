"""The wheel: what people get who never see this repository."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.packaging.objects import Objects

PACKAGES = {"ebpf_static", "ebpf_static_rules", "ebpf_static_loaders"}
ROOTS = {
    "ebpf_static": "ebpf_static",
    "ebpf_static_rules": "rules/ebpf_static_rules",
    "ebpf_static_loaders": "loaders/ebpf_static_loaders",
}


def build(repository: Path, folder: Path, target: str = "wheel") -> Path:
    """Build with the backend installed here: no isolation, so no network."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", target, "--directory"]
    done = subprocess.run(
        [*command, str(folder)], cwd=repository, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    (built,) = folder.iterdir()
    return built


@pytest.fixture(scope="module")
def wheel(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(repository, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def members(wheel: Path) -> set[str]:
    return set(zipfile.ZipFile(wheel).namelist())


def test_only_the_three_packages_are_installed(wheel: Path, members: set[str]) -> None:
    assert wheel.name.endswith("-py3-none-any.whl")
    top = {name.split("/")[0] for name in members}
    assert {name for name in top if not name.endswith(".dist-info")} == PACKAGES
    assert len(top) == len(PACKAGES) + 1


def test_every_package_says_it_is_typed(members: set[str]) -> None:
    assert {f"{package}/py.typed" for package in PACKAGES} <= members


def test_every_module_and_table_of_the_checkout_is_in_it(
    repository: Path, members: set[str]
) -> None:
    wanted = {
        f"{package}/{file.relative_to(repository / root).as_posix()}"
        for package, root in ROOTS.items()
        for kind in ("*.py", "*.json")
        for file in (repository / root).rglob(kind)
    }
    assert any("/data/" in name for name in wanted), "no table found: has data/ moved?"
    assert wanted <= members


def test_metadata_names_licence_dependencies_and_command(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    info = next(name.split("/")[0] for name in archive.namelist() if ".dist-info/" in name)
    metadata = archive.read(f"{info}/METADATA").decode()
    assert "\nLicense-Expression: MIT\n" in metadata
    assert "\nRequires-Python: >=3.11\n" in metadata
    required = [line for line in metadata.splitlines() if line.startswith("Requires-Dist: ")]
    always = [line for line in required if "extra ==" not in line]
    assert [line.split()[1].split(">=")[0] for line in always] == [
        "capstone",
        "lief",
        "pydantic",
        "pyelftools",
        "rich",
        "shtab",
    ]
    scripts = archive.read(f"{info}/entry_points.txt").decode()
    assert "ebpf-static = ebpf_static.cli.main:run" in scripts
    assert "ebpf-static = ebpf_static.config.schema:validate_pyproject_schema" in scripts
    assert f"{info}/licenses/LICENSE" in archive.namelist()


def run_tool(tool: str, *words: str, cwd: Path | None = None) -> None:
    """Run an installed checker of packages as a module; skip where there is none."""
    module = tool.replace("-", "_")
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"needs {tool}: pip install --group test")
    command = [sys.executable, "-m", module, *words]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_wheel_has_the_contents_of_a_wheel(repository: Path, wheel: Path) -> None:
    run_tool("check-wheel-contents", str(wheel), cwd=repository)


def test_the_index_would_take_wheel_and_sdist(
    repository: Path, wheel: Path, tmp_path: Path
) -> None:
    run_tool("twine", "check", "--strict", str(wheel), str(build(repository, tmp_path, "sdist")))


def test_the_project_table_is_valid(repository: Path) -> None:
    run_tool("validate-pyproject", str(repository / "pyproject.toml"))


def test_same_checkout_gives_the_same_bytes(repository: Path, wheel: Path, tmp_path: Path) -> None:
    assert build(repository, tmp_path).read_bytes() == wheel.read_bytes()


def test_wheel_of_the_sdist_is_the_wheel_of_the_checkout(
    repository: Path, wheel: Path, tmp_path: Path
) -> None:
    sdist = build(repository, tmp_path / "sdist", "sdist")
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index"]
    command = [*pip, "--no-build-isolation", "--wheel-dir", str(tmp_path / "again"), str(sdist)]
    subprocess.run(command, check=True)
    assert (tmp_path / "again" / wheel.name).read_bytes() == wheel.read_bytes()


def test_installed_wheel_checks_an_object(
    repository: Path, wheel: Path, objects: Objects, tmp_path: Path
) -> None:
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*pip, "--target", str(tmp_path), str(wheel)], check=True)
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "import ebpf_static, ebpf_static_rules, ebpf_static_loaders\n"
        "print(ebpf_static.__file__)\n"
        f"assert ebpf_static.check({str(objects.linux)!r}).ok\n"
        "assert 'PLT001' in [rule.code for rule in ebpf_static.rules()]\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).is_relative_to(tmp_path)
    assert not done.stdout.startswith(str(repository))
