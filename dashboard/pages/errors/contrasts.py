"""What sets the runs of a group apart, in words, each number with the runs behind it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from dashboard.pages.errors.params import ID_PREFIX_DIGITS, ErrorGroupParams, build_group_term
from dashboard.ui import formats
from runs.analytics.error_group_contrasts import AttributeContrast, ErrorGroupContrast, RunAttribute
from runs.models import ErrorGroup
from runs.query import RunFilters
from runs.query.ast import format_key
from runs.query.operators import format_value

_ATTRIBUTE_LABELS = {
    "model": "Model",
    "configuration": "Configuration",
    "tool": "Tool at hand",
    "function": "Called function",
    "metadata": "Metadata",
}


@dataclass(frozen=True, slots=True)
class ErrorGroupContrastRow:
    """A difference in words, and where the runs of both of its numbers are listed."""

    difference: AttributeContrast
    kind: str
    value: str
    title: str
    url: str
    rest_url: str

    @property
    def share(self) -> str:
        return formats.format_percent(self.difference.runs, self.difference.total)

    @property
    def rest_share(self) -> str:
        return formats.format_percent(self.difference.other_runs, self.difference.other_total)

    @property
    def width(self) -> str:
        """Of the bar of the group's share."""
        return f"{100 * self.difference.share:.1f}%"

    @property
    def rest_width(self) -> str:
        return f"{100 * self.difference.other_share:.1f}%"

    @property
    def points(self) -> str:
        """The difference in percentage points."""
        by = 100 * self.difference.difference
        return f"{'+' if by > 0 else formats.MINUS_SIGN}{abs(by):.0f}"


def build_contrast_rows(
    asked: ErrorGroupParams, group: ErrorGroup, comparison: ErrorGroupContrast
) -> list[ErrorGroupContrastRow]:
    """The differences of `comparison`, the largest first."""
    rest = RunFilters(
        status=("completed",), assistant=comparison.assistants, since=asked.filters.since, until=asked.filters.until
    )
    completed = replace(asked, filters=rest)
    return [_build_contrast_row(each, asked, group, completed) for each in comparison.contrasts]


def _build_contrast_row(
    difference: AttributeContrast, asked: ErrorGroupParams, group: ErrorGroup, completed: ErrorGroupParams
) -> ErrorGroupContrastRow:
    attribute = difference.attribute
    query = _build_query_term(attribute)
    return ErrorGroupContrastRow(
        difference=difference,
        kind=_ATTRIBUTE_LABELS[attribute.kind],
        value=_format_value(attribute),
        title=attribute.value or "",
        url=asked.runs(f"{build_group_term(group)} {query}"),
        rest_url=completed.runs(query),
    )


def _format_value(attribute: RunAttribute) -> str:
    if attribute.kind == "configuration":
        return (attribute.value or "")[:8]
    if attribute.kind == "metadata":
        return f"{attribute.key}, any value" if attribute.value is None else f"{attribute.key}: {attribute.value}"
    return attribute.value or ""


def _build_query_term(attribute: RunAttribute) -> str:
    """How the query language asks for it."""
    value = attribute.value or ""
    if attribute.kind == "configuration":
        return f"configuration:{value[:ID_PREFIX_DIGITS]}"
    if attribute.kind == "metadata":
        asked = "*" if attribute.value is None else format_value(value)
        return f"metadata.{format_key(attribute.key)}:{asked}"
    return f"{attribute.kind}:{format_value(value)}"
