"""All of the usage page: the answers to its questions, and their numbers in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from dashboard.pages.usage.chart import picture
from dashboard.pages.usage.controls import Controls
from dashboard.pages.usage.links import Links
from dashboard.pages.usage.summary import Fact, facts
from dashboard.pages.usage.tables import Breakdown, Paced, beside, breakdown, paced
from dashboard.ui.charts import Stacked
from runs.analytics.usage import EVERYTHING, Question, Split, Usage, Wanted, latency, metadata_keys, usage
from runs.analytics.usage.rollup_reader import COLUMN_OF
from runs.enrichment import derived_fields
from runs.models import Assistant, Project

MOST_GROUPS = 20
IN_TABLE = ("runs", "prompt_tokens", "completion_tokens", "total_tokens", "cost", "unpriced_tokens")


@dataclass(frozen=True, slots=True)
class Page:
    """What the templates show. `is_empty`: no run matches, now or in the time before.

    `counted_since` and `paced_since` are where the newest runs begin that were counted, None where all were;
    `is_reassessed`: estimates of the cost are on their way to new prices.
    """

    question: Question
    controls: Controls
    facts: list[Fact]
    chart: Stacked
    groups: Breakdown
    others: Breakdown
    paced: Paced | None
    counted_since: datetime | None
    is_capped: bool
    paced_since: datetime | None
    is_reassessed: bool
    is_empty: bool


def page(project: Project, question: Question, here: str, runs: str, prices: str) -> Page:
    """Ask and put together: a handful of statements, however many runs."""
    found = usage(project, question, MOST_GROUPS, _wanted(question))
    other = replace(question, split=beside(question.split))
    second = usage(project, other, MOST_GROUPS, Wanted(IN_TABLE, (), ()), parts=False)
    pace = latency(project, question)
    names = _names(project, found, second, [each.assistant_id for each in pace.assistants] if pace else [])
    links = Links(question, here, runs, found.counted_since, pace.since if pace else None)
    models = next(each for each in (found, second) if each.question.split == Split("model"))
    return Page(
        question,
        Controls(links, metadata_keys(project)),
        facts(found, pace, links, sum(bool(group.sums.unpriced_tokens) for group in models.groups), prices),
        picture(found, links, names),
        breakdown(found, links, names),
        breakdown(second, replace(links, question=second.question, counted_since=second.counted_since), names),
        paced(pace, links, names) if pace else None,
        found.counted_since,
        found.is_capped,
        pace.since if pace else None,
        project.assessed_with != derived_fields.fingerprint(project),
        not (found.totals.runs or (found.previous and found.previous.runs)),
    )


def _wanted(question: Question) -> Wanted:
    """The sums that are shown: the course of what is measured, and changes of the facts. Kinds are made of all."""
    if question.split.name == "kind":
        return EVERYTHING
    return Wanted(before=("runs", "total_tokens", "cost"), course=(COLUMN_OF[question.measure],))


def _names(project: Project, found: Usage, second: Usage, paced: Iterable[str | None]) -> dict[str, str]:
    """Of all assistants that are shown; one query."""
    shown = [each.groups for each in (found, second) if each.question.split == Split("assistant")]
    keys = {group.key for groups in shown for group in groups} | set(paced)
    return Assistant.objects.names(project, keys)
