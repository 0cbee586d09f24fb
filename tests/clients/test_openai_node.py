"""The `openai` package for JavaScript."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.clients.archive import Archive, differences

VERSION = "7.57.0"
SCRIPT = Path(__file__).with_name("openai_walk.mjs")


def test_the_client_reads_everything(archive: Archive, folder: Path) -> None:
    walk = subprocess.run(
        ["node", SCRIPT.name],
        cwd=folder,
        input=json.dumps(archive.assignment()),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert walk.returncode == 0, walk.stderr
    assert differences(json.loads(walk.stdout), archive.expected()) == []


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the script, in which the package is installed."""
    in_ci = bool(os.environ.get("CI"))
    if not in_ci and not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("Node is missing")
    made = tmp_path_factory.mktemp("node")
    shutil.copy(SCRIPT, made)
    install = ["npm", "install", "--no-save", "--ignore-scripts", f"openai@{VERSION}"]
    try:
        subprocess.run(install, cwd=made, capture_output=True, timeout=300, check=True)
    except (OSError, subprocess.SubprocessError):
        if in_ci:
            raise
        pytest.skip(f"openai@{VERSION} can't be installed here")
    return made
