"""Tests of the wheel: built, installed into an empty environment outside of the checkout, and used from there."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from runs import __version__
from tests.dashboard.server.test_up import ROOT, Up, environment_for

UV = shutil.which("uv")
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
# Dependencies whose versions are dates: no number tells which release changes an interface.
CALENDAR_VERSIONS = frozenset({"tzdata"})
RUN = {
    "id": "run_first", "object": "thread.run", "created_at": 1795000000, "thread_id": "thread_first",
    "assistant_id": "asst_first", "status": "completed", "model": "gpt-4o-mini",
}  # fmt: skip

needs_uv = pytest.mark.skipif(UV is None and "CI" not in os.environ, reason="needs uv")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", directory],
        cwd=ROOT, check=True, capture_output=True,
    )  # fmt: skip
    return next(directory.glob("*.whl"))


@pytest.fixture(scope="module")
def directory() -> Iterator[Path]:
    """A directory outside of pytest's: another pytest would close that one to the user whom root starts the site as."""
    with tempfile.TemporaryDirectory(prefix="runglass-package-") as name:
        yield Path(name)


@pytest.fixture(scope="module")
def program(wheel, directory) -> Path:
    """The program `runglass` of an environment that contains nothing but the wheel and its dependencies."""
    assert UV is not None
    environment = directory / "venv"
    constraints = environment.with_name("constraints.txt")
    constraints.write_text("\n".join(PYPROJECT["tool"]["uv"]["constraint-dependencies"]))
    subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, environment], check=True)
    subprocess.run(
        [UV, "pip", "install", "--quiet", "--python", environment, "--constraint", constraints, wheel], check=True
    )
    return environment / "bin" / "runglass"


@pytest.fixture(scope="module")
def installed_up(program, directory) -> Iterator[Up]:
    """The first start of the installed program, in a working directory of its own."""
    running = Up(directory / "var", program=[str(program)], cwd=directory, RUNGLASS_DATA_DIR="")
    yield running
    assert running.stop(signal.SIGINT) == 0


def run_installed(program: Path, *arguments: str, cwd: Path) -> str:
    environment = environment_for(cwd, RUNGLASS_DATA_DIR="")
    return subprocess.run(
        [program, *arguments], cwd=cwd, env=environment, capture_output=True, text=True, check=True
    ).stdout


def test_wheel_has_all_files_of_the_packages(wheel) -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "runs", "dashboard", "templates", "static"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    expected = {re.sub(r"^(?=templates/|static/)", "dashboard/assets/", name) for name in tracked}
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert expected - names == set()
    assert {name.partition("/")[0] for name in names} == {"runs", "dashboard"}


@needs_uv
def test_installed_program_creates_nothing_to_print(program, tmp_path) -> None:
    assert run_installed(program, "--version", cwd=tmp_path) == f"runglass {__version__}\n"
    assert "--port" in run_installed(program, "up", "--help", cwd=tmp_path)
    assert list(tmp_path.iterdir()) == []


@needs_uv
def test_installed_program_serves_posts_and_reads(installed_up) -> None:
    key = next(line.split()[-1] for line in installed_up.output if line.startswith("API key"))
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    response, body = installed_up.request("POST", "/api/v1/runs", json.dumps(RUN), **headers)
    assert (response.status, json.loads(body)["outcome"]) == (201, "created")
    assert json.loads(installed_up.get("/api/v1/runs/run_first", **headers)[1]) == RUN
    assert json.loads(installed_up.get("/healthz")[1])["version"] == __version__


@needs_uv
def test_installed_pages_have_their_static_files(installed_up) -> None:
    response, page = installed_up.get("/login/")
    assert response.status == 200
    links = re.findall(r'(?:src|href)="(/static/[^"]+)"', page.decode())
    assert len(links) > 5
    assert {installed_up.get(link)[0].status for link in links} == {200}


@needs_uv
def test_installed_data_is_in_the_working_directory(program, installed_up) -> None:
    assert (installed_up.data_dir / "secret_key").exists()
    directory = installed_up.data_dir.parent
    assert run_installed(program, "create_api_key", "--name", "second", cwd=directory).startswith("rg_")


@pytest.mark.parametrize("dependency", list(map(Requirement, PYPROJECT["project"]["dependencies"])), ids=str)
def test_dependency_has_bounds_around_its_pin(dependency: Requirement) -> None:
    pins = {pin.name: pin for pin in map(Requirement, PYPROJECT["tool"]["uv"]["constraint-dependencies"])}
    assert dependency.specifier.contains(str(pins[dependency.name].specifier).removeprefix("=="))
    operators = {specifier.operator for specifier in dependency.specifier}
    assert operators == ({">="} if dependency.name in CALENDAR_VERSIONS else {">=", "<"})


def test_build_backend_is_the_tested_one() -> None:
    assert PYPROJECT["build-system"]["requires"][0] in PYPROJECT["tool"]["uv"]["constraint-dependencies"]
