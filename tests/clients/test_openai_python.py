"""The `openai` package for Python: the newest, and one of the years in which the hosted API was used."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import openai
import pytest

from tests.clients import openai_walk
from tests.clients.archive import Archive, differences

pytestmark = pytest.mark.filterwarnings("ignore:.*Assistants API is deprecated:DeprecationWarning")

# httpx took an argument away in 0.28 that this version still gives
OLDER = ("--with", "openai==1.40.0", "--with", "httpx<0.28")
SCRIPT = Path(openai_walk.__file__)


def test_the_newest_client_reads_everything(archive: Archive) -> None:
    with openai.OpenAI(base_url=f"{archive.url}/v1", api_key=archive.key, max_retries=0) as client:
        answers = openai_walk.answers(client, archive.assignment())

    assert differences(answers, archive.expected()) == []


@pytest.mark.parametrize("deployment", [None, "gpt-4o"])
def test_the_client_of_azure_openai_reads_too(archive: Archive, deployment: str | None) -> None:
    with openai.AzureOpenAI(
        azure_endpoint=archive.url,
        azure_deployment=deployment,
        api_key=archive.key,
        api_version="2025-05-01",
        max_retries=0,
    ) as client:
        thread = archive.assignment()["threads"][0]
        listed = client.beta.threads.runs.list(thread["id"], limit=2, order="asc")
        answers = openai_walk.read(listed, thread["count"])
        refusal = openai_walk.refusal(lambda: client.beta.threads.retrieve("thread_unknown"))

    expected = archive.expected()
    assert answers == expected[f"runs of {thread['id']} asc"]
    assert refusal == expected["unknown thread"]


def test_writing_raises_the_clients_own_error(archive: Archive) -> None:
    with (
        openai.OpenAI(base_url=f"{archive.url}/v1", api_key=archive.key, max_retries=0) as client,
        pytest.raises(openai.APIStatusError, match="archive") as refused,
    ):
        client.beta.threads.runs.create("thread_many", assistant_id="asst_concierge")

    assert refused.value.status_code == 405


def test_an_unknown_key_raises_the_clients_own_error(archive: Archive) -> None:
    with (
        openai.OpenAI(base_url=f"{archive.url}/v1", api_key="sk-unknown", max_retries=0) as client,
        pytest.raises(openai.AuthenticationError) as refused,
    ):
        client.beta.threads.runs.list("thread_many")

    assert refused.value.code == "invalid_api_key"


def test_an_older_client_reads_everything(archive: Archive, older: list[str]) -> None:
    walk = subprocess.run(
        [*older, str(SCRIPT)],
        input=json.dumps(archive.assignment()),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert walk.returncode == 0, walk.stderr
    assert differences(json.loads(walk.stdout), archive.expected()) == []


@pytest.fixture(scope="session")
def older() -> list[str]:
    """The command of a Python that has the older client."""
    uv = shutil.which("uv") or "uv"
    python = [uv, "run", "--quiet", "--no-project", "--isolated", *OLDER, "python"]
    try:
        subprocess.run([*python, "-c", "import openai"], capture_output=True, timeout=300, check=True)
    except (OSError, subprocess.SubprocessError):
        if os.environ.get("CI"):
            raise
        pytest.skip("openai 1.40.0 can't be installed here")
    return python
