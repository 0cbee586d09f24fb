"""The tables that break down the runs of a group by assistant, model and configuration."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from dashboard.pages.errors.group_rows import sort_by_count
from dashboard.pages.errors.links import ID_PREFIX_LENGTH, build_error_group_term, build_filtered_runs_url
from dashboard.ui import formats
from runs.analytics.errors import ErrorGroupDistribution
from runs.models import ErrorGroup, Project
from runs.query import RunFilters
from runs.query.operators import format_value

MAX_BREAKDOWN_ROWS = 10


@dataclass(frozen=True, slots=True)
class ErrorBreakdownRow:
    """A value, and the runs of the group that have it. `bar_width` is a percentage."""

    label: str
    title: str
    run_count: int
    share: str
    bar_width: str
    url: str


@dataclass(frozen=True, slots=True)
class ErrorBreakdown:
    """A table of values, the most frequent first, and the number of values that it leaves out."""

    title: str
    column: str
    anchor: str
    rows: list[ErrorBreakdownRow]
    unlisted_count: int


def build_error_breakdowns(
    project: Project,
    group: ErrorGroup,
    filters: RunFilters,
    distribution: ErrorGroupDistribution,
    assistant_names: Mapping[str, str],
) -> list[ErrorBreakdown]:
    """Return the tables of a group. `assistant_names` are display names, by id."""
    group_term = build_error_group_term(group)

    def build_table(
        title: str, column: str, anchor: str, field: str, counts: Counter[str], labels: Mapping[str, str]
    ) -> ErrorBreakdown:
        total, largest = counts.total(), max(counts.values(), default=0)
        values = sort_by_count(counts)
        rows = [
            ErrorBreakdownRow(
                label=labels.get(value) or _format_label(field, value),
                title=value,
                run_count=counts[value],
                share=formats.format_percent(counts[value], total),
                bar_width=f"{100 * counts[value] / largest:.1f}%",
                url=build_filtered_runs_url(project, filters, f"{group_term} {_build_query_term(field, value)}"),
            )
            for value in values[:MAX_BREAKDOWN_ROWS]
        ]
        return ErrorBreakdown(title, column, anchor, rows, max(0, len(values) - MAX_BREAKDOWN_ROWS))

    models = Counter({name or "": count for name, count in distribution.models.items()})
    return [
        build_table("Assistants", "Assistant", "where", "assistant", distribution.assistants, assistant_names),
        build_table("Models", "Model", "models", "model", models, {"": "none sent"}),
        build_table(
            "Configurations", "Configuration", "configurations", "configuration", distribution.configurations, {}
        ),
    ]


def _format_label(field: str, value: str) -> str:
    match field:
        case "configuration":
            return value[:8]
        case "assistant":
            return formats.shorten_id(value)
    return value


def _build_query_term(field: str, value: str) -> str:
    """Return the term of the query language that matches a value, or its absence."""
    if field == "configuration":
        return f"configuration:{value.replace('-', '')[:ID_PREFIX_LENGTH]}"
    return f"{field}:{format_value(value)}" if value else f"-{field}:*"
