"""What sets the runs of a group apart, in words, each number with the runs behind it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from dashboard.pages.errors.params import DIGITS, Asked, term
from dashboard.ui import formats
from runs.analytics.error_group_contrasts import Attribute, Comparison, Difference
from runs.models import ErrorGroup
from runs.query import RunFilters
from runs.query.ast import written_key
from runs.query.operators import written

_KINDS = {
    "model": "Model",
    "configuration": "Configuration",
    "tool": "Tool at hand",
    "function": "Called function",
    "metadata": "Metadata",
}


@dataclass(frozen=True, slots=True)
class Contrast:
    """A difference in words, and where the runs of both of its numbers are listed."""

    difference: Difference
    kind: str
    value: str
    title: str
    url: str
    rest_url: str

    @property
    def share(self) -> str:
        return formats.percent(self.difference.count, self.difference.of)

    @property
    def rest_share(self) -> str:
        return formats.percent(self.difference.rest, self.difference.of_rest)

    @property
    def width(self) -> str:
        """Of the bar of the group's share."""
        return f"{100 * self.difference.share:.1f}%"

    @property
    def rest_width(self) -> str:
        return f"{100 * self.difference.rest_share:.1f}%"

    @property
    def points(self) -> str:
        """The difference in percentage points."""
        by = 100 * self.difference.by
        return f"{'+' if by > 0 else formats.MINUS}{abs(by):.0f}"


def contrasts(asked: Asked, group: ErrorGroup, comparison: Comparison) -> list[Contrast]:
    """The differences of `comparison`, the largest first."""
    rest = RunFilters(
        status=("completed",), assistant=comparison.assistants, since=asked.filters.since, until=asked.filters.until
    )
    completed = replace(asked, filters=rest)
    return [_contrast(each, asked, group, completed) for each in comparison.differences]


def _contrast(difference: Difference, asked: Asked, group: ErrorGroup, completed: Asked) -> Contrast:
    attribute = difference.attribute
    query = _query(attribute)
    return Contrast(
        difference=difference,
        kind=_KINDS[attribute.kind],
        value=_value(attribute),
        title=attribute.value or "",
        url=asked.runs(f"{term(group)} {query}"),
        rest_url=completed.runs(query),
    )


def _value(attribute: Attribute) -> str:
    if attribute.kind == "configuration":
        return (attribute.value or "")[:8]
    if attribute.kind == "metadata":
        return f"{attribute.key}, any value" if attribute.value is None else f"{attribute.key}: {attribute.value}"
    return attribute.value or ""


def _query(attribute: Attribute) -> str:
    """How the query language asks for it."""
    value = attribute.value or ""
    if attribute.kind == "configuration":
        return f"configuration:{value[:DIGITS]}"
    if attribute.kind == "metadata":
        asked = "*" if attribute.value is None else written(value)
        return f"metadata.{written_key(attribute.key)}:{asked}"
    return f"{attribute.kind}:{written(value)}"
