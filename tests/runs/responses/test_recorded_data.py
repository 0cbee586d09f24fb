"""Recorded responses and streams of real servers, where RUNGLASS_TODAY_DATA names a folder of them."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from django.db.models import Sum
from django.test import Client

from runs.models import DayByModel, Project, Response, Run
from tests import factories
from tests.responses import describe_runs

FOLDER = Path(os.environ.get("RUNGLASS_TODAY_DATA", "nowhere"))
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="RUNGLASS_TODAY_DATA names no folder of recorded objects")


@pytest.fixture
def headers(project: Project) -> dict[str, str]:
    return {"Authorization": f"Bearer {factories.make_key(project)}"}


def load_responses() -> list[dict[str, Any]]:
    return [json.loads(line) for line in (FOLDER / "responses.jsonl").read_text().splitlines()]


def test_responses_are_accepted_and_come_back(client: Client, project: Project, headers: dict[str, str]) -> None:
    body = (FOLDER / "responses.jsonl").read_bytes()
    answer = client.post("/api/v1/responses", body, content_type="application/x-ndjson", headers=headers)
    counts = answer.json()
    assert (answer.status_code, counts["received"], counts["errors"]) == (200, 111, [])

    # 111 objects are 104 responses: 6 ids are those of snapshots of one response, or of examples with one name.
    posted = load_responses()
    objects: dict[str, list[Any]] = {}
    for response in posted:
        objects.setdefault(response["id"], []).append(response)
    assert len(objects) == Response.objects.count() == 104
    for response_id, snapshots in objects.items():
        read = client.get(f"/v1/responses/{response_id}", headers=headers)
        assert read.status_code == 200
        assert read.json() in snapshots
        if len(snapshots) == 1:
            assert json.loads(read.content) == snapshots[0]

    # 8 responses continue a turn: what they name as previous ends with a call or an approval that the client answers.
    # Lines 23, 32, 35, 38, 40 and 110 each continue the line before, and 64 and 65 continue 63. Lines 29, 60 and 63
    # follow a message, and the previous one of line 61 is not here.
    joined = [turn["run"]["response_ids"] for turn in describe_runs(project).values()]
    assert sorted(map(len, joined)) == [1] * 89 + [2] * 6 + [3]
    assert Run.objects.count() == 104 - 8


def test_sums_equal_those_of_raw_objects(client: Client, project: Project, headers: dict[str, str]) -> None:
    client.post(
        "/api/v1/responses", (FOLDER / "responses.jsonl").read_bytes(),
        content_type="application/x-ndjson", headers=headers,
    )  # fmt: skip
    sums: Counter[str] = Counter()
    for response in Response.objects.all():
        usage = json.loads(response.body).get("usage") or {}
        sums["prompt_tokens"] += usage.get("input_tokens") or 0
        sums["completion_tokens"] += usage.get("output_tokens") or 0
        sums["cached_tokens"] += (usage.get("input_tokens_details") or {}).get("cached_tokens") or 0
        sums["reasoning_tokens"] += (usage.get("output_tokens_details") or {}).get("reasoning_tokens") or 0
    shown = DayByModel.objects.filter(project=project).aggregate(**{name: Sum(name) for name in sums})
    assert {name: int(value) for name, value in shown.items()} == dict(sums)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("streams/*.txt")), ids=lambda path: path.name)
def test_stream_is_stored(client: Client, project: Project, headers: dict[str, str], path: Path) -> None:
    answer = client.post("/api/v1/events", path.read_bytes(), content_type="text/event-stream", headers=headers)
    assert (answer.status_code, answer.json()["errors"]) == (200, [])
    counts = answer.json()
    assert counts["received"] == sum(counts[name] for name in ("created", "updated", "unchanged", "stale", "ignored"))

    events = [
        json.loads(line[5:]) for line in path.read_text().splitlines() if line.startswith("data:") and "{" in line
    ]
    newest = [event["response"] for event in events if "response" in event][-1]
    read = client.get(f"/v1/responses/{newest['id']}", headers=headers).json()
    if newest["status"] in ("completed", "failed", "incomplete"):
        assert read == newest
    else:  # it broke off: its items were done before
        assert {**read, "output": []} == {**newest, "output": []}
        assert len(read["output"]) == len([event for event in events if event["type"] == "response.output_item.added"])
    assert Run.objects.count() == 1
