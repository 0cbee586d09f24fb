"""The table of attributes by which the runs of a group differ from completed runs."""

from __future__ import annotations

from dataclasses import dataclass

from dashboard.pages.errors.links import ID_PREFIX_LENGTH, build_error_group_term, build_filtered_runs_url
from dashboard.ui import formats
from runs.analytics.error_group_contrasts import AttributeContrast, ErrorGroupContrast, RunAttribute
from runs.models import ErrorGroup, Project
from runs.query import RunFilters
from runs.query.ast import format_key
from runs.query.operators import format_value

ATTRIBUTE_LABELS = {
    "model": "Model",
    "configuration": "Configuration",
    "tool": "Available tool",
    "function": "Called function",
    "metadata": "Metadata",
}


@dataclass(frozen=True, slots=True)
class ErrorContrastRow:
    """An attribute, how often the runs of both sides have it, and links to those runs."""

    contrast: AttributeContrast
    label: str
    value: str
    title: str
    url: str
    other_url: str

    @property
    def share(self) -> str:
        """The share of the runs of the group."""
        return formats.format_percent(self.contrast.runs, self.contrast.total)

    @property
    def other_share(self) -> str:
        """The share of the completed runs."""
        return formats.format_percent(self.contrast.other_runs, self.contrast.other_total)

    @property
    def points(self) -> str:
        """The difference in percentage points, with its sign."""
        points = 100 * self.contrast.difference
        return f"{'+' if points > 0 else formats.MINUS_SIGN}{abs(points):.0f}"


def build_contrast_rows(
    project: Project, group: ErrorGroup, filters: RunFilters, contrast: ErrorGroupContrast
) -> list[ErrorContrastRow]:
    """Return the rows of `contrast`, the largest difference first."""
    group_term = build_error_group_term(group)
    completed = RunFilters(
        status=("completed",), assistant=contrast.assistants, since=filters.since, until=filters.until
    )
    rows = []
    for attribute_contrast in contrast.contrasts:
        attribute = attribute_contrast.attribute
        term = _build_query_term(attribute)
        row = ErrorContrastRow(
            contrast=attribute_contrast,
            label=ATTRIBUTE_LABELS[attribute.kind],
            value=_format_attribute(attribute),
            title=attribute.value or "",
            url=build_filtered_runs_url(project, filters, f"{group_term} {term}"),
            other_url=build_filtered_runs_url(project, completed, term),
        )
        rows.append(row)
    return rows


def _format_attribute(attribute: RunAttribute) -> str:
    match attribute.kind:
        case "configuration":
            return (attribute.value or "")[:8]
        case "metadata" if attribute.value is None:
            return f"{attribute.key}, any value"
        case "metadata":
            return f"{attribute.key}: {attribute.value}"
    return attribute.value or ""


def _build_query_term(attribute: RunAttribute) -> str:
    value = attribute.value or ""
    match attribute.kind:
        case "configuration":
            return f"configuration:{value[:ID_PREFIX_LENGTH]}"
        case "metadata":
            pattern = "*" if attribute.value is None else format_value(value)
            return f"metadata.{format_key(attribute.key)}:{pattern}"
    return f"{attribute.kind}:{format_value(value)}"
