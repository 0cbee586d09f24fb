"""The `openai` package for JavaScript."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.clients.archive import Archive, find_differences

VERSION = "7.57.0"
SCRIPT = Path(__file__).with_name("openai_reader.mjs")


def test_client_reads_everything(archive: Archive, package_dir: Path) -> None:
    process = subprocess.run(
        ["node", SCRIPT.name],
        cwd=package_dir,
        input=json.dumps(archive.build_task()),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert process.returncode == 0, process.stderr
    assert find_differences(json.loads(process.stdout), archive.expected_results()) == []


@pytest.fixture(scope="session")
def package_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with the script and the installed package."""
    in_ci = bool(os.environ.get("CI"))
    if not in_ci and not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("Node is not installed")
    directory = tmp_path_factory.mktemp("node")
    shutil.copy(SCRIPT, directory)
    install = ["npm", "install", "--no-save", "--ignore-scripts", f"openai@{VERSION}"]
    try:
        subprocess.run(install, cwd=directory, capture_output=True, timeout=300, check=True)
    except (OSError, subprocess.SubprocessError):
        if in_ci:
            raise
        pytest.skip(f"openai@{VERSION} cannot be installed here")
    return directory
