"""The usage page. Each number is that of the runs that it links to."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from dashboard.ui import formats
from runs.analytics.usage import UsageSums
from runs.analytics.usage import table as usage_table
from runs.analytics.usage.table import add_usage_sums
from runs.enrichment.derived_field_backfill import backfill_derived_fields
from runs.models import Project, Run, User
from runs.query import RunFilters
from runs.team.price_overrides import set_price_override
from tests import factories
from tests.pages import Page
from tests.runs.analytics.usage.seeded_project import NOW, Posted, seed

URL = "/p/default/usage/"


def linked_runs(project: Project, url: str) -> list[Run]:
    """Return the runs in the run list with this URL."""
    parts = urlsplit(url)
    assert parts.path == "/p/default/runs/"
    return list(RunFilters.parse_params(parse_qs(parts.query)).apply(Run.objects.in_project(project)))


def sum_linked_runs(project: Project, posted: dict[str, Posted], url: str) -> UsageSums:
    return add_usage_sums(posted[run.external_id].sums for run in linked_runs(project, url))


def seed_by_id(project: Project) -> dict[str, Posted]:
    return {run.id: run for run in seed(project)}


def figure_notes(context: Any, label: str) -> tuple[Any, ...]:
    """Return the notes of the figure with this label."""
    notes: tuple[Any, ...] = next(figure.notes for figure in context["summary"] if figure.label == label)
    return notes


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
def test_every_number_matches_its_linked_runs(client: Client, project: Project, query: str) -> None:
    posted = seed_by_id(project)
    context = client.get(URL + query).context
    for row in [*context["breakdown"].rows, *context["second_breakdown"].rows]:
        if row.label == "(empty)":
            continue  # no filter can express it
        linked = sum_linked_runs(project, posted, row.url)
        assert row.sums._replace(cached_tokens=0, reasoning_tokens=0) == linked._replace(
            cached_tokens=0, reasoning_tokens=0
        )
        assert sum_linked_runs(project, posted, row.change_url) is not None
    figures = {figure.label: figure for figure in context["summary"]}
    sums = sum_linked_runs(project, posted, figures["Tokens"].url)
    assert figures["Tokens"].title == f"{sums.total_tokens:,} tokens"
    assert figures["Prompt"].title == f"{sums.prompt_tokens:,} tokens"
    assert figures["Completion"].title == f"{sums.completion_tokens:,} tokens"
    assert figures["Runs"].value == f"{sums.runs:,}"
    assert formats.format_cost(sums.cost) in figures["Cost, est."].value
    assert figures["Not priced"].title == f"{sums.unpriced_tokens:,} tokens"
    unpriced = sum_linked_runs(project, posted, figures["Not priced"].url)
    assert (unpriced.total_tokens, unpriced.cost) == (sums.unpriced_tokens, 0)
    measure = {"tokens": "total_tokens", "cost": "cost", "runs": "runs"}[context["usage_query"].measure]
    chart = context["chart"]
    for row in chart.rows:
        for cell in (*row.cells, row.total):
            if cell.url:
                value = getattr(sum_linked_runs(project, posted, cell.url), measure)
                assert chart.format_value(value) == cell.text
    assert sum(chart.totals) == getattr(sums, measure)


def test_token_kinds_match_their_linked_runs(client: Client, project: Project) -> None:
    posted = seed_by_id(project)
    context = client.get(f"{URL}?split=kind").context
    for row in context["breakdown"].rows:
        sums = sum_linked_runs(project, posted, row.url)
        expected = {
            "Prompt": sums.prompt_tokens - sums.cached_tokens,
            "Prompt, cached": sums.cached_tokens,
            "Completion": sums.completion_tokens - sums.reasoning_tokens,
            "Completion, reasoning": sums.reasoning_tokens,
            "Other": sums.total_tokens - sums.prompt_tokens - sums.completion_tokens,
        }
        assert row.sums.total_tokens == expected[row.label]
    (cached,) = figure_notes(context, "Prompt")
    assert cached.title == f"{sum_linked_runs(project, posted, cached.url).cached_tokens:,} tokens"


def test_percentiles_link_to_slower_runs(client: Client, project: Project) -> None:
    seed(project)
    rows = client.get(URL).context["latency"].rows
    assert rows[0].label == "All"
    for row in rows:
        ended = [run for run in linked_runs(project, row.url) if run.ended_at]
        assert row.runs == len(ended)
        durations = sorted(run.duration_ms for run in ended if run.duration_ms is not None)
        for percentile, share in zip(row.durations, (0.5, 0.75, 0.9, 0.95, 0.99, 1), strict=True):
            slower = [run.duration_ms or 0 for run in linked_runs(project, percentile.url)]
            assert formats.format_duration(min(slower)) == percentile.text
            assert len(slower) >= len(durations) - int(share * len(durations))


def test_change_is_from_the_previous_period(client: Client, project: Project) -> None:
    posted = seed_by_id(project)
    response = client.get(URL)
    (change,) = figure_notes(response.context, "Runs")
    before = sum_linked_runs(project, posted, change.url).runs
    after = sum_linked_runs(project, posted, response.context["controls"].links.runs).runs
    assert change.text == formats.format_change(after, before)
    assert Page(response).definition("Runs").link(change.text).url == change.url


def test_days_are_those_of_the_reader(client: Client, project: Project) -> None:
    seed(project)
    chart = client.get(URL).context["chart"]
    assert chart.caption == "Tokens per day, Asia/Kolkata"
    assert chart.rows[-1].time == "7 Oct 2026"
    assert client.get(f"{URL}?zone=Europe/Berlin").context["chart"].caption == "Tokens per day, Europe/Berlin"


def test_controls_change_one_part_of_the_query(client: Client, project: Project) -> None:
    seed(project)
    page = Page(client.get(f"{URL}?split=kind&status=completed&range=7d"))
    assert page.navigation("Measure").link("Cost").url == f"{URL}?measure=cost&range=7d&status=completed"
    assert page.navigation("Range").link("90 d").url == f"{URL}?split=kind&range=90d&status=completed"
    tab = page.navigation("Breakdown").link("metadata.customer")
    assert tab.url == f"{URL}?split=metadata.customer&range=7d&status=completed"
    page = Page(client.get(f"{URL}?from=-7d&status=failed"))
    assert page.link("Remove status:failed").url == f"{URL}?from=-7d"
    assert ("from", "-7d") in page.form("Runs").values


def test_unpriced_usage_is_not_free(client: Client, project: Project) -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    at = int(NOW.timestamp()) - 60
    factories.post_run(project, model="house-model", usage=usage, created_at=at)
    page = Page(client.get(URL))
    assert page.table("By model").cells("Cost, est.") == ["no price"]
    assert not page.has("link", "Set prices")
    factories.post_run(project, model="gpt-4o", usage=usage, created_at=at)
    assert Page(client.get(URL)).table("By assistant").cells("Cost, est.") == ["≥ < $0.0001"]


def test_administrator_can_set_missing_prices(client: Client, project: Project) -> None:
    admin = Client()
    admin.force_login(factories.make_user(project, role="admin"))
    factories.post_run(project, model="house-model", created_at=int(NOW.timestamp()) - 60)
    assert Page(admin.get(URL)).link("Set prices").url == "/p/default/settings/prices/"
    set_price_override(project, "house-model", {"input": "1", "output": "1"})
    assert "Cost estimates are being updated" in Page(client.get(URL)).text
    backfill_derived_fields(project, None)
    assert Page(client.get(URL)).definition("Cost, est.").text == "$0.0002"


def test_partial_counts_are_announced(client: Client, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    seed(project)
    monkeypatch.setattr(usage_table, "MAX_COUNTED_USAGE_RUNS", 25)
    assert "The totals above include all runs." in Page(client.get(f"{URL}?split=metadata.customer")).text
    assert "Counted over the newest" in Page(client.get(f"{URL}?q=metadata.customer:*")).text
    # Rollups know the statuses, but not the models of one status.
    monkeypatch.setattr(usage_table, "MAX_COUNTED_USAGE_RUNS", 3)
    response = client.get(f"{URL}?split=status&status=failed")
    assert (response.context["breakdown"].counted_since, response.context["groups_since"]) == (None, None)
    assert response.context["second_breakdown"].counted_since is not None
    assert Page(response).text.count("Counted over the newest") == 1


def test_empty_page_explains_itself(client: Client) -> None:
    assert Page(client.get(URL)).has("heading", "No usage in this period")
    assert Page(client.get(f"{URL}?status=failed")).has("heading", "No matching runs in this period")


def test_invalid_split_gets_a_hint(client: Client) -> None:
    response = client.get(f"{URL}?split=modle")
    assert response.status_code == 400
    assert "did you mean" in Page(response).text


def test_non_member_gets_404(project: Project) -> None:
    stranger = Client()
    stranger.force_login(factories.make_user(name="stranger"))
    assert stranger.get(URL).status_code == 404


def test_assistants_are_shown_by_name(client: Client, project: Project) -> None:
    factories.post_run(project, assistant_id="asst_a", created_at=int(NOW.timestamp()) - 60)
    factories.post_assistants(project, asst_a="Returns desk")
    page = Page(client.get(f"{URL}?split=assistant"))
    assert page.table("By assistant").rows[0].cells[0].text == "Returns desk"
    assert "Returns desk" in page.table("Latency percentiles").cells("Assistant")
    assert "asst_a" not in page.text


def test_query_count_is_independent_of_runs(
    client: Client, project: Project, member: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for count in (2, 40):
        at = int(NOW.timestamp()) - 3600
        runs = [
            factories.run_object(created_at=at, assistant_id=f"asst_{number}", model=f"m{number}")
            for number in range(count)
        ]
        factories.post(project, *runs)
        # session, user, project, role; groups, second groups, latency, names, metadata keys; shell: projects, roles
        with django_assert_max_num_queries(11):
            client.get(URL)
