"""The `openai` package for JavaScript."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.clients.archive import Archive, find_differences
from tests.clients.conversation import post_conversation

VERSION = "7.59.0"
READER = Path(__file__).with_name("openai_reader.mjs")
RESPONSES_READER = Path(__file__).with_name("openai_responses_reader.mjs")


def run_script(script: Path, package_dir: Path, task: dict[str, Any]) -> dict[str, Any]:
    """Run a script with a task on its standard input, and return the results that it prints."""
    process = subprocess.run(
        ["node", script.name],
        cwd=package_dir,
        input=json.dumps(task),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    results: dict[str, Any] = json.loads(process.stdout)
    return results


def test_client_reads_everything(archive: Archive, package_dir: Path) -> None:
    results = run_script(READER, package_dir, archive.build_task())
    assert find_differences(results, archive.expected_results()) == []


def test_client_reads_responses_and_items(archive: Archive, package_dir: Path) -> None:
    posted = post_conversation(archive)
    item_ids = [item["id"] for item in posted.items]
    task = {"url": archive.url, "key": archive.key, "item": item_ids[0]}
    assert run_script(RESPONSES_READER, package_dir, task) == {
        "output": posted.response["output"],
        "newest input first": item_ids[::-1],
        "oldest input first": item_ids,
        "created_at": 1_795_000_000,
        "newest item first": item_ids[::-1],
        "content": posted.items[0]["content"],
        "unknown response": 404,
        "streamed": 400,
    }


@pytest.fixture(scope="session")
def package_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with the scripts and the installed package."""
    in_ci = bool(os.environ.get("CI"))
    if not in_ci and not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("Node is not installed")
    directory = tmp_path_factory.mktemp("node")
    for script in (READER, RESPONSES_READER):
        shutil.copy(script, directory)
    install = ["npm", "install", "--no-save", "--ignore-scripts", f"openai@{VERSION}"]
    try:
        subprocess.run(install, cwd=directory, capture_output=True, timeout=300, check=True)
    except (OSError, subprocess.SubprocessError):
        if in_ci:
            raise
        pytest.skip(f"openai@{VERSION} cannot be installed here")
    return directory
