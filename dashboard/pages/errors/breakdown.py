"""Where a group happens: its runs by assistant, model and configuration, each leading to the runs themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from dashboard.pages.errors.params import ID_PREFIX_DIGITS, ErrorGroupParams, build_group_term
from dashboard.pages.errors.rows import sort_by_count
from dashboard.ui import formats
from runs.analytics.errors import ErrorGroupDistribution
from runs.models import ErrorGroup
from runs.query.operators import format_value

MAX_BREAKDOWN_ROWS = 10


@dataclass(frozen=True, slots=True)
class ErrorBreakdownRow:
    """A value, how many runs have it, their part of all, and where they are listed. `width` is that of its bar."""

    label: str
    title: str
    count: int
    share: str
    width: str
    url: str


@dataclass(frozen=True, slots=True)
class ErrorBreakdown:
    """Values of one kind, the most frequent first, and how many more there are."""

    title: str
    anchor: str
    rows: list[ErrorBreakdownRow]
    unlisted: int


def build_error_breakdowns(
    asked: ErrorGroupParams, group: ErrorGroup, parts: ErrorGroupDistribution, names: Mapping[str, str]
) -> list[ErrorBreakdown]:
    """The tables of a group's `parts`; `names` are those of assistants, by id."""
    models = Counter({name or "": count for name, count in parts.models.items()})
    return [
        _build_breakdown("Assistants", "where", parts.assistants, asked, group, "assistant", names),
        _build_breakdown("Models", "models", models, asked, group, "model", {"": "none sent"}),
        _build_breakdown("Configurations", "configurations", parts.configurations, asked, group, "configuration", {}),
    ]


def _build_breakdown(
    title: str,
    anchor: str,
    counts: Counter[str],
    asked: ErrorGroupParams,
    group: ErrorGroup,
    field: str,
    names: Mapping[str, str],
) -> ErrorBreakdown:
    total, most = counts.total(), max(counts.values(), default=0)
    values = sort_by_count(counts)
    rows = [
        ErrorBreakdownRow(
            label=_format_label(field, value, names),
            title=value,
            count=counts[value],
            share=formats.format_percent(counts[value], total),
            width=f"{100 * counts[value] / most:.1f}%",
            url=asked.runs(f"{build_group_term(group)} {_build_query_term(field, value)}"),
        )
        for value in values[:MAX_BREAKDOWN_ROWS]
    ]
    return ErrorBreakdown(title, anchor, rows, max(0, len(values) - MAX_BREAKDOWN_ROWS))


def _format_label(field: str, value: str, names: Mapping[str, str]) -> str:
    if field == "configuration":
        return value[:8]
    return names.get(value) or (value if field == "model" else formats.shorten_id(value))


def _build_query_term(field: str, value: str) -> str:
    """How the query language asks for a value."""
    if field == "configuration":
        return f"configuration:{value.replace('-', '')[:ID_PREFIX_DIGITS]}"
    return f"{field}:{format_value(value)}" if value else f"-{field}:*"
