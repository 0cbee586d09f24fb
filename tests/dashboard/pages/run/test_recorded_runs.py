"""The run pages of recorded objects: each shows the facts of its JSON.

RUNGLASS_REAL_DATA names the folder of the objects, see `tests.runs.ingest.test_real_data`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from dashboard.ui import formats
from runs.ingest import MESSAGES, RUNS, STEPS, RawItem, ingest
from runs.models import Project, Run
from runs.protocol.lossless_json import clean_text
from runs.protocol.timestamps import parse_timestamp
from tests.dashboard.pages.run.run_pages import run_json_url, run_url
from tests.pages import Page

FOLDER = Path(os.environ.get("RUNGLASS_REAL_DATA") or "/nonexistent")
FILES = ((RUNS, "runs.jsonl"), (STEPS, "steps.jsonl"), (MESSAGES, "messages.jsonl"))
MAX_LENGTH = 200  # characters that are compared of a long text
SETTINGS = ("temperature", "top_p", "max_prompt_tokens", "max_completion_tokens", "parallel_tool_calls")
pytestmark = pytest.mark.skipif(not FOLDER.exists(), reason="RUNGLASS_REAL_DATA names no folder of recorded objects")


@pytest.fixture
def recorded_runs(project: Project) -> list[Run]:
    """All recorded runs, with their steps and messages."""
    for record_type, name in FILES:
        lines = [line for line in (FOLDER / name).read_bytes().splitlines() if line.strip()]
        assert not ingest(project, record_type, [RawItem(index, line) for index, line in enumerate(lines)]).errors
    return list(Run.objects.newest_first())


def without_spaces(text: str) -> str:
    """Remove all white space, since tags may stand between words."""
    return "".join(clean_text(text).split())


def expected_facts(posted: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (section, text) for every fact that the page must show."""
    yield from (("Status", posted[name]) for name in ("id", "model") if posted.get(name))
    yield "Status", formats.format_status(posted["status"])
    error = posted.get("last_error") or {}
    for text in (error.get("code"), error.get("message")):
        if text:
            yield "Status", text[:MAX_LENGTH]
            yield "Errors", text[:MAX_LENGTH]
    if reason := (posted.get("incomplete_details") or {}).get("reason"):
        yield "Errors", reason
    usage = posted.get("usage") or {}
    if usage.get("total_tokens") is not None:
        yield "Status", f"{usage['total_tokens']:,}"
    for name in ("prompt_tokens", "completion_tokens", "total_tokens"):
        if usage.get(name) is not None:
            yield "Usage", f"{usage[name]:,}"
    for name in SETTINGS:
        yield "Configuration", f"{name} {json.dumps(posted[name]) if name in posted else 'not sent'}"
    if isinstance(metadata := posted.get("metadata"), dict):
        for key, value in metadata.items():
            yield "Metadata", key
            yield "Metadata", value[:MAX_LENGTH] if isinstance(value, str) else ""
    if posted.get("instructions"):
        yield "Instructions", posted["instructions"][:MAX_LENGTH]
    for tool in posted.get("tools") or ():
        yield "Tools", (tool.get("function") or {}).get("name") or tool.get("server_label") or tool["type"]
    yield from (("Raw JSON", name) for name in posted)


@pytest.mark.django_db
def test_every_recorded_run_shows_its_facts(member_client: Client, recorded_runs: list[Run]) -> None:
    assert recorded_runs
    for run in recorded_runs:
        posted = json.loads(member_client.get(run_json_url(run.external_id)).content)
        page = Page(member_client.get(run_url(run.external_id) + "?full=tools&full=raw&full=timeline"))
        sections = {name: without_spaces(page.region(name).text) for name, _ in expected_facts(posted)}
        for name, text in expected_facts(posted):
            assert without_spaces(text) in sections[name], (run.external_id, name, text)
        created_at, status = parse_timestamp(posted["created_at"]), page.region("Status")
        if run.posted_created_at:  # not plausible, and so no time to convert
            assert formats.format_timestamp(created_at) in status.text
        else:
            shown_times = [time.get("datetime") for time in status.find_all("time")]
            assert formats.format_iso_time(created_at) in shown_times
        timeline = without_spaces(page.region("Timeline").text)
        for step in run.steps.all():
            assert all(without_spaces(name)[:17] in timeline for name in step.tool_names), step.external_id
