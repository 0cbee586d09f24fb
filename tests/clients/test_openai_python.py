"""The `openai` package for Python: the current version, and one from the time of the hosted API."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import openai
import pytest

from tests.clients import openai_reader
from tests.clients.archive import Archive, find_differences

pytestmark = pytest.mark.filterwarnings("ignore:.*Assistants API is deprecated:DeprecationWarning")

# this version passes an argument that httpx 0.28 removed
OLDER = ("--with", "openai==1.40.0", "--with", "httpx<0.28")
SCRIPT = Path(openai_reader.__file__)


def test_current_client_reads_everything(archive: Archive) -> None:
    with openai.OpenAI(base_url=f"{archive.url}/v1", api_key=archive.key, max_retries=0) as client:
        results = openai_reader.read_all(client, archive.build_task())

    assert find_differences(results, archive.expected_results()) == []


@pytest.mark.parametrize("deployment", [None, "gpt-4o"])
def test_azure_openai_client_reads_lists(archive: Archive, deployment: str | None) -> None:
    with openai.AzureOpenAI(
        azure_endpoint=archive.url,
        azure_deployment=deployment,
        api_key=archive.key,
        api_version="2025-05-01",
        max_retries=0,
    ) as client:
        thread = archive.build_task()["threads"][0]
        listed = client.beta.threads.runs.list(thread["id"], limit=2, order="asc")
        results = openai_reader.read_list(listed, thread["count"])
        error = openai_reader.get_error(lambda: client.beta.threads.retrieve("thread_unknown"))

    expected = archive.expected_results()
    assert results == expected[f"runs of {thread['id']} asc"]
    assert error == expected["unknown thread"]


def test_write_raises_api_status_error(archive: Archive) -> None:
    with (
        openai.OpenAI(base_url=f"{archive.url}/v1", api_key=archive.key, max_retries=0) as client,
        pytest.raises(openai.APIStatusError, match="archive") as raised,
    ):
        client.beta.threads.runs.create("thread_many", assistant_id="asst_concierge")

    assert raised.value.status_code == 405


def test_unknown_key_raises_authentication_error(archive: Archive) -> None:
    with (
        openai.OpenAI(base_url=f"{archive.url}/v1", api_key="sk-unknown", max_retries=0) as client,
        pytest.raises(openai.AuthenticationError) as raised,
    ):
        client.beta.threads.runs.list("thread_many")

    assert raised.value.code == "invalid_api_key"


def test_older_client_reads_everything(archive: Archive, older_python: list[str]) -> None:
    process = subprocess.run(
        [*older_python, str(SCRIPT)],
        input=json.dumps(archive.build_task()),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert process.returncode == 0, process.stderr
    assert find_differences(json.loads(process.stdout), archive.expected_results()) == []


@pytest.fixture(scope="session")
def older_python() -> list[str]:
    """Return the command of a Python with the older client."""
    uv = shutil.which("uv") or "uv"
    python = [uv, "run", "--quiet", "--no-project", "--isolated", *OLDER, "python"]
    try:
        subprocess.run([*python, "-c", "import openai"], capture_output=True, timeout=300, check=True)
    except (OSError, subprocess.SubprocessError):
        if os.environ.get("CI"):
            raise
        pytest.skip("openai 1.40.0 cannot be installed here")
    return python
