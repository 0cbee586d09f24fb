"""The usage page: each number is that of the runs it leads to."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from dashboard.ui import formats
from runs.analytics.usage import UsageSums
from runs.analytics.usage import table as module
from runs.analytics.usage.table import add_usage_sums
from runs.enrichment.backfill import backfill_derived_fields
from runs.models import Project, Run, User
from runs.query import RunFilters
from runs.team.price_overrides import set_price_override
from tests import factories
from tests.runs.analytics.usage.seeded_project import NOW, Posted, seed

PAGE = "/p/default/usage/"


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> datetime:
    monkeypatch.setattr(timezone, "now", lambda: NOW)
    return NOW


@pytest.fixture
def client(member_client: Client) -> Client:
    member_client.cookies["timezone"] = "Asia/Kolkata"
    return member_client


def behind(project: Project, url: str) -> list[Run]:
    """The runs that the run list shows at that address."""
    parts = urlsplit(url)
    assert parts.path == "/p/default/runs/"
    filters = RunFilters.parse_params(parse_qs(parts.query))
    return list(filters.apply(Run.objects.in_project(project)))


def summed(project: Project, posted: dict[str, Posted], url: str) -> UsageSums:
    return add_usage_sums(posted[run.external_id].sums for run in behind(project, url))


def shown(sums: UsageSums) -> UsageSums:
    """What a table has of them."""
    return sums._replace(cached_tokens=0, reasoning_tokens=0)


def everywhere(project: Project) -> dict[str, Posted]:
    return {run.id: run for run in seed(project)}


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?split=assistant&measure=cost&range=7d",
        "?split=metadata.customer&measure=runs",
        "?split=status&from=2026-10-20T10:20:30Z&to=2026-10-28T22:45:00Z",
        "?model=gpt-4o&q=status:completed",
    ],
)
def test_every_number_is_that_of_the_runs_behind_it(client: Client, project: Project, query: str) -> None:
    posted = everywhere(project)
    page = client.get(PAGE + query).context["page"]
    for row in [*page.groups.rows, *page.others.rows]:
        if row.name == "(empty)":
            continue  # no query asks for it
        assert shown(row.sums) == shown(summed(project, posted, row.url))
        assert summed(project, posted, row.change_url) is not None
    facts = {fact.label: fact for fact in page.facts}
    sums = summed(project, posted, facts["Tokens"].url)
    assert facts["Tokens"].title == f"{sums.total_tokens:,} tokens"
    assert facts["Prompt"].title == f"{sums.prompt_tokens:,} tokens"
    assert facts["Completion"].title == f"{sums.completion_tokens:,} tokens"
    assert facts["Runs"].value == f"{sums.runs:,}"
    assert formats.format_cost(sums.cost) in facts["Cost, est."].value
    assert facts["Not priced"].title == f"{sums.unpriced_tokens:,} tokens"
    unpriced = summed(project, posted, facts["Not priced"].url)
    assert (unpriced.total_tokens, unpriced.cost) == (sums.unpriced_tokens, 0)
    measured = {"tokens": "total_tokens", "cost": "cost", "runs": "runs"}[page.question.measure]
    for row in page.chart.rows:
        for number in (*row.cells, row.total):
            if number.url:
                value = getattr(summed(project, posted, number.url), measured)
                assert page.chart.format_value(value) == number.text
    assert sum(page.chart.totals) == getattr(sums, measured)


def test_kinds_of_token_lead_to_the_runs_that_used_them(client: Client, project: Project) -> None:
    posted = everywhere(project)
    page = client.get(f"{PAGE}?split=kind").context["page"]
    for row in page.groups.rows:
        sums = summed(project, posted, row.url)
        assert (
            row.sums.total_tokens
            == {
                "Prompt": sums.prompt_tokens - sums.cached_tokens,
                "Prompt, cached": sums.cached_tokens,
                "Completion": sums.completion_tokens - sums.reasoning_tokens,
                "Completion, reasoning": sums.reasoning_tokens,
                "Neither": sums.total_tokens - sums.prompt_tokens - sums.completion_tokens,
            }[row.name]
        )
    (cached,) = next(fact for fact in page.facts if fact.label == "Prompt").asides
    assert cached.title == f"{summed(project, posted, cached.url).cached_tokens:,} tokens"


def test_percentiles_lead_to_the_runs_that_took_no_less(client: Client, project: Project) -> None:
    seed(project)
    rows = client.get(PAGE).context["page"].paced.rows
    assert rows[0].name == "All"
    for row in rows:
        ended = [run for run in behind(project, row.url) if run.ended_at]
        assert row.runs == len(ended)
        durations = sorted(run.duration_ms for run in ended if run.duration_ms is not None)
        for mark, share in zip(row.durations, (0.5, 0.75, 0.9, 0.95, 0.99, 1), strict=True):
            slower = [run.duration_ms or 0 for run in behind(project, mark.url)]
            assert formats.format_duration(min(slower)) == mark.text
            assert len(slower) >= len(durations) - int(share * len(durations))


def test_against_the_time_before(client: Client, project: Project) -> None:
    posted = everywhere(project)
    page = client.get(PAGE).context["page"]
    (change,) = next(fact for fact in page.facts if fact.label == "Runs").asides
    before, after = summed(project, posted, change.url).runs, summed(project, posted, page.controls.links.all).runs
    assert change.text == formats.format_change(after, before)
    assert f">{change.text}</a>" in client.get(PAGE).content.decode()


def test_days_are_those_of_the_reader(client: Client, project: Project) -> None:
    seed(project)
    chart = client.get(PAGE).context["page"].chart
    assert chart.caption == "Tokens per day, Asia/Kolkata"
    assert chart.rows[-1].time == "2026-10-07"
    assert client.get(f"{PAGE}?zone=Europe/Berlin").context["page"].chart.caption == "Tokens per day, Europe/Berlin"


def test_the_switches_lead_to_other_sides_of_the_question(client: Client, project: Project) -> None:
    seed(project)
    content = client.get(f"{PAGE}?split=kind&status=completed&range=7d").content.decode()
    for url in ("measure=cost&amp;range=7d", "split=kind&amp;range=90d", "split=metadata.customer&amp;range=7d"):
        assert f'href="{PAGE}?{url}&amp;status=completed"' in content
    controls = client.get(f"{PAGE}?from=-7d&status=failed").context["page"].controls
    assert [(token.value, token.url) for token in controls.tokens] == [("failed", f"{PAGE}?from=-7d")]
    assert ("from", "-7d") in controls.without_query


def test_what_has_no_price_is_never_free(client: Client, project: Project) -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    at = int(NOW.timestamp()) - 60
    factories.post_run(project, model="house-model", usage=usage, created_at=at)
    page = client.get(PAGE).context["page"]
    assert [row.cost for row in page.groups.rows] == ["no price"]
    assert "Set prices" not in client.get(PAGE).content.decode()
    factories.post_run(project, model="gpt-4o", usage=usage, created_at=at)
    assert client.get(PAGE).context["page"].others.rows[0].cost == "≥ < $0.0001"


def test_an_administrator_is_led_to_prices_and_told_while_estimates_follow(client: Client, project: Project) -> None:
    admin = Client()
    admin.force_login(factories.make_user(project, role="admin"))
    factories.post_run(project, model="house-model", created_at=int(NOW.timestamp()) - 60)
    assert '<a href="/p/default/settings/prices/">Set prices</a>' in admin.get(PAGE).content.decode()
    set_price_override(project, "house-model", {"input": "1", "output": "1"})
    assert "being brought up to date" in client.get(PAGE).content.decode()
    backfill_derived_fields(project, None)
    assert next(fact for fact in client.get(PAGE).context["page"].facts if "Cost" in fact.label).value == "$0.0002"


def test_counting_that_ended_early_is_said(client: Client, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    seed(project)
    monkeypatch.setattr(module, "MAX_COUNTED_USAGE_RUNS", 25)
    assert "The totals above are of all runs." in client.get(f"{PAGE}?split=metadata.customer").content.decode()
    assert "Counted over the newest" in client.get(f"{PAGE}?q=metadata.customer:*").content.decode()
    # sums know statuses, but not the models of one
    monkeypatch.setattr(module, "MAX_COUNTED_USAGE_RUNS", 3)
    one = client.get(f"{PAGE}?split=status&status=failed")
    assert (one.context["page"].groups.counted_since, one.context["page"].counted_since) == (None, None)
    assert one.context["page"].others.counted_since is not None
    assert one.content.decode().count("Counted over the newest") == 1


def test_before_the_first_run_it_says_what_will_be_here(client: Client) -> None:
    assert "Nothing was used in this time" in client.get(PAGE).content.decode()
    assert "No run matches in this time" in client.get(f"{PAGE}?status=failed").content.decode()


def test_an_address_that_cannot_be_meant_is_refused(client: Client) -> None:
    for path in (PAGE, "/p/default/usage.json", "/p/default/usage.csv"):
        response = client.get(f"{path}?split=modle")
        assert response.status_code == 400
        assert "did you mean" in response.content.decode()


def test_others_see_nothing_of_it(project: Project) -> None:
    stranger = Client()
    stranger.force_login(factories.make_user(name="stranger"))
    for path in (PAGE, "/p/default/usage.json", "/p/default/usage.csv"):
        assert stranger.get(path).status_code == 404


def test_assistants_are_called_by_their_names(client: Client, project: Project) -> None:
    factories.post_run(project, assistant_id="asst_a", created_at=int(NOW.timestamp()) - 60)
    factories.post_assistants(project, asst_a="Returns desk")
    content = client.get(f"{PAGE}?split=assistant").content.decode()
    assert content.count(">Returns desk</a>") == 2
    assert "asst_a</" not in content


def test_the_files_have_the_same_numbers(client: Client, project: Project) -> None:
    seed(project)
    page = client.get(f"{PAGE}?split=assistant").context["page"]
    found = json.loads(client.get("/p/default/usage.json?split=assistant").content)
    assert found["time_zone"] == "Asia/Kolkata"
    assert {group["key"]: group["totals"]["total_tokens"] for group in found["groups"]} == {
        row.name: row.sums.total_tokens for row in page.groups.rows
    }
    lines = list(_csv(client, "/p/default/usage.csv?split=assistant"))
    assert sum(int(line["total_tokens"]) for line in lines) == found["totals"]["total_tokens"]
    assert sum(float(line["cost_usd"]) for line in lines) == pytest.approx(found["totals"]["cost_usd"])
    kinds = list(_csv(client, "/p/default/usage.csv?split=kind"))
    assert sum(int(line["total_tokens"]) for line in kinds) == found["totals"]["total_tokens"]
    assert "runs" not in kinds[0]


def _csv(client: Client, path: str) -> Iterator[dict[str, Any]]:
    response = client.get(path)
    assert re.search(r'filename="default-usage-[0-9-]+\.csv"', response["Content-Disposition"])
    yield from csv.DictReader(io.StringIO(response.getvalue().decode().removeprefix("\ufeff")))


def test_it_costs_the_same_for_many_runs_as_for_few(
    client: Client, project: Project, member: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for count in (2, 40):
        at = int(NOW.timestamp()) - 3600
        runs = [
            factories.run_object(created_at=at, assistant_id=f"asst_{nth}", model=f"m{nth}") for nth in range(count)
        ]
        factories.post(project, *runs)
        # session, user, project, role; groups, the others, latency, names, keys of the metadata; shell: projects, roles
        with django_assert_max_num_queries(11):
            client.get(PAGE)
