"""Where a group happens: its runs by assistant, model and configuration, each leading to the runs themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from dashboard.pages.errors.params import DIGITS, Asked, term
from dashboard.pages.errors.rows import ranked
from dashboard.ui import formats
from runs.analytics.errors import Parts
from runs.models import ErrorGroup
from runs.query.operators import written

MOST_LISTED = 10


@dataclass(frozen=True, slots=True)
class Share:
    """A value, how many runs have it, their part of all, and where they are listed. `width` is that of its bar."""

    label: str
    title: str
    count: int
    share: str
    width: str
    url: str


@dataclass(frozen=True, slots=True)
class Table:
    """Values of one kind, the most frequent first, and how many more there are."""

    title: str
    anchor: str
    rows: list[Share]
    unlisted: int


def tables(asked: Asked, group: ErrorGroup, parts: Parts, names: Mapping[str, str]) -> list[Table]:
    """The tables of a group's `parts`; `names` are those of assistants, by id."""
    models = Counter({name or "": count for name, count in parts.models.items()})
    return [
        _table("Assistants", "where", parts.assistants, asked, group, "assistant", names),
        _table("Models", "models", models, asked, group, "model", {"": "none sent"}),
        _table("Configurations", "configurations", parts.configurations, asked, group, "configuration", {}),
    ]


def _table(
    title: str, anchor: str, counts: Counter[str], asked: Asked, group: ErrorGroup, field: str, names: Mapping[str, str]
) -> Table:
    total, most = counts.total(), max(counts.values(), default=0)
    values = ranked(counts)
    rows = [
        Share(
            label=_label(field, value, names),
            title=value,
            count=counts[value],
            share=formats.percent(counts[value], total),
            width=f"{100 * counts[value] / most:.1f}%",
            url=asked.runs(f"{term(group)} {_asked(field, value)}"),
        )
        for value in values[:MOST_LISTED]
    ]
    return Table(title, anchor, rows, max(0, len(values) - MOST_LISTED))


def _label(field: str, value: str, names: Mapping[str, str]) -> str:
    if field == "configuration":
        return value[:8]
    return names.get(value) or (value if field == "model" else formats.short_id(value))


def _asked(field: str, value: str) -> str:
    """How the query language asks for a value."""
    if field == "configuration":
        return f"configuration:{value.replace('-', '')[:DIGITS]}"
    return f"{field}:{written(value)}" if value else f"-{field}:*"
