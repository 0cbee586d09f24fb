"""Every recorded run of a real server on its page: the facts that are shown are those of its JSON.

Where RUNGLASS_REAL_DATA names a folder of them (see `tests.runs.test_real_data`).
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from dashboard.ui import formats
from runs.ingest import MESSAGES, RUNS, STEPS, RawItem, ingest
from runs.models import Project, Run
from runs.protocol.lossless_json import clean_text
from runs.protocol.timestamps import parse_timestamp

FOLDER = Path(os.environ.get("RUNGLASS_REAL_DATA") or "/nonexistent")
KINDS = ((RUNS, "runs.jsonl"), (STEPS, "steps.jsonl"), (MESSAGES, "messages.jsonl"))
SIZE = 200  # characters that are looked for of a long text
pytestmark = pytest.mark.skipif(not FOLDER.exists(), reason="RUNGLASS_REAL_DATA names no folder of recorded objects")


@pytest.fixture
def recorded(project: Project) -> list[Run]:
    for kind, name in KINDS:
        lines = [line for line in (FOLDER / name).read_bytes().splitlines() if line.strip()]
        assert not ingest(project, kind, [RawItem(index, line) for index, line in enumerate(lines)]).errors
    return list(Run.objects.newest_first())


def flat(text: str) -> str:
    return "".join(clean_text(text).split())


def section(html: str, name: str) -> str:
    """A section's text without any space, since tags may stand between words."""
    found = re.search(rf'<section[^>]* id="{name}">.*?</section>', html, re.DOTALL)
    assert found, name
    return flat(unescape(re.sub(r"<[^>]*>", "", found[0])))


def facts(posted: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What must be told, by section; "" is the head of the page."""
    yield from (("", posted[name]) for name in ("id", "model") if posted.get(name))
    yield "", formats.format_status(posted["status"])
    yield from _error(posted)
    yield from _usage(posted)
    for name in ("temperature", "top_p", "max_prompt_tokens", "max_completion_tokens", "parallel_tool_calls"):
        yield "configuration", f"{name}{_written(posted, name)}"
    for key, value in (posted.get("metadata") or {}).items() if isinstance(posted.get("metadata"), dict) else ():
        yield "metadata", key
        yield "metadata", value[:SIZE] if isinstance(value, str) else ""
    if posted.get("instructions"):
        yield "instructions", posted["instructions"][:SIZE]
    yield from (("raw", name) for name in posted)


def _error(posted: dict[str, Any]) -> Iterator[tuple[str, str]]:
    error = posted.get("last_error") or {}
    for text in (error.get("code"), error.get("message")):
        if text:
            yield "", text[:SIZE]
            yield "errors", text[:SIZE]
    reason = (posted.get("incomplete_details") or {}).get("reason")
    if reason:
        yield "errors", reason


def _usage(posted: dict[str, Any]) -> Iterator[tuple[str, str]]:
    usage = posted.get("usage") or {}
    if usage.get("total_tokens") is not None:
        yield "", f"{usage['total_tokens']:,}"
        yield "usage", f"{usage['total_tokens']:,}"
    for name in ("prompt_tokens", "completion_tokens"):
        if usage.get(name) is not None:
            yield "usage", f"{usage[name]:,}"


def _written(posted: dict[str, Any], name: str) -> str:
    if name not in posted:
        return "notsent"
    return str(json.dumps(posted[name]))


def tools(posted: dict[str, Any]) -> Iterator[str]:
    for tool in posted.get("tools") or ():
        yield (tool.get("function") or {}).get("name") or tool.get("server_label") or tool["type"]


@pytest.mark.django_db
def test_every_recorded_run_opens_with_the_facts_of_its_json(member_client: Client, recorded: list[Run]) -> None:
    assert recorded
    for run in recorded:
        names = {"project": "default", "run_id": run.external_id}
        posted = json.loads(member_client.get(reverse("run-json", kwargs=names)).content)
        response = member_client.get(reverse("run", kwargs=names) + "?full=tools&full=raw&full=timeline")
        assert response.status_code == 200
        html = response.content.decode()
        head = flat(unescape(re.sub(r"<[^>]*>", "", html[html.index('id="run-head"') : html.index('class="page"')])))
        for place, text in facts(posted):
            told = section(html, place) if place else head
            assert flat(text) in told, (run.external_id, place, text)
        assert all(flat(name) in section(html, "tools") for name in tools(posted)), run.external_id
        assert formats.format_iso_time(parse_timestamp(posted["created_at"])) in html
        for step in run.steps.all():
            assert all(flat(name)[:17] in section(html, "timeline") for name in step.tool_names), step.external_id
