"""Walking a list to its end while runs arrive, and the same question asked of page, REST and export."""

from __future__ import annotations

import itertools
import json
import random
import re
from typing import Any

import pytest
from django.test import Client

from dashboard.pages.runs import rows
from runs.models import Project
from runs.query import planner
from runs.query.order import RUN_SORTS
from tests import factories
from tests.factories import NOW, run_object

STORED, ARRIVING, PAGES = 120, 2000, 8
QUERIES = (
    "", "q=status:failed", "q=-status:failed", "status=failed&status=completed", "q=metadata.customer:acme",
    "q=metadata.customer:a*", "q=function:search", "q=-function:*", "q=total_tokens:>500", "q=-total_tokens:*",
    "q=duration:>2m", "q=status:failed metadata.customer:acme", "q=prompt_tokens:>400 OR error:*",
    "model=gpt-4o-mini&q=created:<2100-01-01", "q=error:oops", "q=defines:nothing",
)  # fmt: skip


def some_run(chance: random.Random, number: int, *, created: int) -> dict[str, Any]:
    failed = chance.random() < 0.3
    tokens = chance.choice([None, *range(100, 1000, 100)])
    ended = created + chance.choice([60, 120, 180])
    return run_object(
        id=f"run_{number:05}", created_at=created, started_at=created, status="failed" if failed else "completed",
        completed_at=None if failed else ended, failed_at=ended if failed else None,
        last_error={"code": "oops", "message": "x"} if failed else None,
        metadata={"customer": chance.choice(["acme", "globex"])},
        usage=tokens and {"prompt_tokens": tokens, "completion_tokens": 0, "total_tokens": tokens},
    )  # fmt: skip


@pytest.fixture
def chance() -> random.Random:
    return random.Random(11)


@pytest.fixture
def stored(project: Project, chance: random.Random) -> list[str]:
    """The ids of a hundred runs or so, of which many share a second, tokens and durations; some called a function."""
    runs = [some_run(chance, number, created=NOW + number // 4) for number in range(STORED)]
    factories.post(project, *runs)
    calls = [factories.step_object(run, factories.function_call("search")) for run in runs[::5]]
    factories.post_steps(project, *calls)
    return [run["id"] for run in runs]


class Arrivals:
    """Runs that come in between the pages: newer ones, older ones, and such as fall into the middle of any order."""

    def __init__(self, project: Project, chance: random.Random) -> None:
        self._project, self._chance, self._number = project, chance, STORED

    def come(self, count: int) -> None:
        runs = []
        for _ in range(count):
            self._number += 1
            created = NOW + self._chance.randint(-100, 200)
            runs.append(some_run(self._chance, self._number, created=created))
        factories.post(self._project, *runs)


def rest(project: Project, path: str, key: str) -> dict[str, Any]:
    answer = Client().get(path, headers={"authorization": f"Bearer {key}"})
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = answer.json()
    return found


def ids_in(body: str) -> list[str]:
    return re.findall(r'<a class="id" href="[^"]*" title="([^"]*)"', body)


@pytest.mark.parametrize("sort", RUN_SORTS)
def test_no_page_of_rest_repeats_or_misses_a_run_while_others_arrive(
    project: Project, stored: list[str], chance: random.Random, sort: str
) -> None:
    key, arrivals = factories.make_key(project, "read"), Arrivals(project, chance)
    seen: list[str] = []
    cursor: str | None = ""
    for page in itertools.count():
        more = f"&cursor={cursor}" if cursor else ""
        answer = rest(project, f"/api/v1/runs?limit={10 if page < PAGES else 500}&sort={sort}{more}", key)
        seen += [run["id"] for run in answer["data"]]
        cursor = answer["next_cursor"]
        if cursor is None:
            break
        arrivals.come(ARRIVING // PAGES if page < PAGES else 1)
    assert len(seen) == len(set(seen))
    assert set(stored) <= set(seen)


@pytest.mark.parametrize("sort", RUN_SORTS)
def test_nor_does_one_of_the_list(
    project: Project, stored: list[str], chance: random.Random, member_client: Client, sort: str, monkeypatch: Any
) -> None:
    monkeypatch.setattr(rows, "PAGE_SIZE", 40)
    arrivals = Arrivals(project, chance)
    seen: list[str] = []
    url: str | None = f"/p/default/runs/?sort={sort}&view=all"
    while url:
        body = member_client.get(url, headers={"HX-Request": "true", "HX-Target": "rows"}).content.decode()
        seen += ids_in(body)
        found = re.search(r'id="older" href="([^"]*)"', body)
        url = found and found[1].replace("&amp;", "&")
        arrivals.come(10)
    assert len(seen) == len(set(seen))
    assert set(stored) <= set(seen)


@pytest.mark.parametrize("looked_at", [10, 100_000])
@pytest.mark.parametrize("query", QUERIES)
def test_page_rest_and_export_have_the_same_runs(
    project: Project, stored: list[str], member_client: Client, query: str, looked_at: int, monkeypatch: Any
) -> None:
    monkeypatch.setattr(rows, "PAGE_SIZE", 500)
    monkeypatch.setattr(planner, "SAMPLE_SIZE", looked_at)
    answer = rest(project, f"/api/v1/runs?limit=500&{query}", factories.make_key(project, "read"))
    by_rest = [run["id"] for run in answer["data"]]
    assert ids_in(member_client.get(f"/p/default/runs/?{query}").content.decode()) == by_rest
    exported = b"".join(member_client.get(f"/p/default/runs.jsonl?{query}").streaming_content)
    assert {json.loads(line)["id"] for line in exported.splitlines()} == set(by_rest)
    for sort in RUN_SORTS:
        answer = rest(project, f"/api/v1/runs?limit=500&sort={sort}&{query}", factories.make_key(project, "read"))
        assert {run["id"] for run in answer["data"]} == set(by_rest), sort
