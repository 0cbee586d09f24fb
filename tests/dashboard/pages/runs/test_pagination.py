"""Pagination while runs arrive, and the agreement of the list with the API and the export."""

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
from tests.factories import NOW
from tests.pages import Page

STORED_RUNS, ARRIVING_RUNS, SMALL_PAGES = 120, 480, 8
QUERIES = (
    "", "q=status:failed", "q=-status:failed", "status=failed&status=completed", "q=metadata.customer:acme",
    "q=metadata.customer:a*", "q=function:search", "q=-function:*", "q=total_tokens:>500", "q=-total_tokens:*",
    "q=duration:>2m", "q=status:failed metadata.customer:acme", "q=prompt_tokens:>400 OR error:*",
    "model=gpt-4o-mini&q=created:<2100-01-01", "q=error:oops", "q=defines:nothing",
)  # fmt: skip


def make_random_run(chance: random.Random, number: int, *, created: int) -> dict[str, Any]:
    failed = chance.random() < 0.3
    tokens = chance.choice([None, *range(100, 1000, 100)])
    ended = created + chance.choice([60, 120, 180])
    return factories.run_object(
        id=f"run_{number:05}", created_at=created, started_at=created, status="failed" if failed else "completed",
        completed_at=None if failed else ended, failed_at=ended if failed else None,
        last_error={"code": "oops", "message": "x"} if failed else None,
        metadata={"customer": chance.choice(["acme", "globex"])},
        usage=tokens and {"prompt_tokens": tokens, "completion_tokens": 0, "total_tokens": tokens},
    )  # fmt: skip


@pytest.fixture
def chance() -> random.Random:
    """A source of random numbers with a fixed seed."""
    return random.Random(11)


@pytest.fixture
def stored_ids(project: Project, chance: random.Random) -> list[str]:
    """The ids of stored runs. Many share a second, tokens and durations; some called a function."""
    runs = [make_random_run(chance, number, created=NOW + number // 4) for number in range(STORED_RUNS)]
    factories.post(project, *runs)
    calls = [factories.step_object(run, factories.function_call("search")) for run in runs[::5]]
    factories.post_steps(project, *calls)
    return [run["id"] for run in runs]


class RandomArrivals:
    """Posts runs that are newer or older than the stored ones, or fall between them in any order."""

    def __init__(self, project: Project, chance: random.Random) -> None:
        self._project, self._chance, self._number = project, chance, STORED_RUNS

    def post(self, count: int) -> None:
        """Post `count` runs."""
        runs = []
        for _ in range(count):
            self._number += 1
            created = NOW + self._chance.randint(-100, 200)
            runs.append(make_random_run(self._chance, self._number, created=created))
        factories.post(self._project, *runs)


def get_from_api(query: str, key: str) -> dict[str, Any]:
    response = Client().get(f"/api/v1/runs?{query}", headers={"authorization": f"Bearer {key}"})
    assert response.status_code == 200, response.content
    document: dict[str, Any] = response.json()
    return document


def listed_ids(page: Page) -> list[str]:
    """Return the ids of the runs on a page of the list."""
    links = [link for link in page.find_all("link") if link.get("class") == "id"]
    return [link.get("title") or "" for link in links]


@pytest.mark.parametrize("sort", RUN_SORTS)
def test_api_pages_are_complete_and_disjoint(
    project: Project, stored_ids: list[str], chance: random.Random, sort: str
) -> None:
    key, arrivals = factories.make_key(project, "read"), RandomArrivals(project, chance)
    ids: list[str] = []
    cursor: str | None = ""
    for number in itertools.count():
        is_small = number < SMALL_PAGES
        document = get_from_api(
            f"limit={10 if is_small else 500}&sort={sort}{f'&cursor={cursor}' if cursor else ''}", key
        )
        ids += [run["id"] for run in document["data"]]
        cursor = document["next_cursor"]
        if cursor is None:
            break
        arrivals.post(ARRIVING_RUNS // SMALL_PAGES if is_small else 1)
    assert len(ids) == len(set(ids))
    assert set(stored_ids) <= set(ids)


@pytest.mark.parametrize("sort", RUN_SORTS)
def test_list_pages_are_complete_and_disjoint(
    project: Project,
    stored_ids: list[str],
    chance: random.Random,
    member_client: Client,
    sort: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rows, "PAGE_SIZE", 40)
    arrivals = RandomArrivals(project, chance)
    ids: list[str] = []
    url = f"/p/default/runs/?sort={sort}&view=all"
    while url:
        page = Page(member_client.get(url, headers={"HX-Request": "true", "HX-Target": "rows"}))
        ids += listed_ids(page)
        next_page = re.compile(r"^Load \d+ (older|more)$")
        url = page.link(next_page).url if page.has("link", next_page) else ""
        arrivals.post(10)
    assert len(ids) == len(set(ids))
    assert set(stored_ids) <= set(ids)


@pytest.mark.parametrize("sample_size", [10, 100_000])
@pytest.mark.parametrize("query", QUERIES)
def test_list_api_and_export_agree(
    project: Project,
    stored_ids: list[str],
    member_client: Client,
    query: str,
    sample_size: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rows, "PAGE_SIZE", 500)
    monkeypatch.setattr(planner, "SAMPLE_SIZE", sample_size)
    key = factories.make_key(project, "read")
    api_ids = [run["id"] for run in get_from_api(f"limit=500&{query}", key)["data"]]
    assert listed_ids(Page(member_client.get(f"/p/default/runs/?{query}"))) == api_ids
    response: Any = member_client.get(f"/p/default/runs.jsonl?{query}")
    exported = b"".join(response.streaming_content)
    assert {json.loads(line)["id"] for line in exported.splitlines()} == set(api_ids)
    for sort in RUN_SORTS:
        sorted_runs = get_from_api(f"limit=500&sort={sort}&{query}", key)["data"]
        assert {run["id"] for run in sorted_runs} == set(api_ids), sort
