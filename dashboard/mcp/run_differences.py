"""The differences of two runs, as the comparison page shows them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from dashboard.mcp.answer_rendering import BothEndsList
from dashboard.mcp.posted_text import PostedText
from dashboard.pages.compare.comparison import RunComparison
from dashboard.ui.comparison_rows import ComparisonCell, ComparisonRow
from dashboard.ui.posted_object import FieldPresence
from dashboard.ui.text_diff import DiffLine, TextDiff
from dashboard.ui.tool_diff import ToolsDiff
from runs.analytics.run_steps import read_steps
from runs.models import Assistant, Project, Run

_MARKS = {"added": "+ ", "removed": "- ", "same": "  "}


def compare_two_runs(project: Project, left: Run, right: Run, now: datetime) -> RunComparison:
    """Return the comparison of two runs with their configurations; three queries, and one for each history."""
    names = Assistant.objects.names_by_id(project, {left.assistant_id, right.assistant_id})
    return RunComparison(left, right, read_steps(left), read_steps(right), now, names)


def describe_differences(comparison: RunComparison) -> dict[str, Any]:
    """Return the fields that differ, with the changes of the instructions and the tools."""
    return {
        "differences": {
            group.title: [_describe_row(row) for row in group.rows] for group in comparison.differing_groups
        },
        "equal_fields": comparison.equal_fields,
        "instructions_diff": describe_text_diff(comparison.instructions),
        "tools_diff": describe_tools_diff(comparison.tools),
    }


def describe_text_diff(diff: TextDiff | None) -> dict[str, Any] | None:
    """Return the changed lines of a text with some lines around them, None if it did not change."""
    if diff is None or not diff.lines:
        return None
    text = "\n".join(_format_line(line) for line in diff.lines)
    return {"added": diff.added, "removed": diff.removed, "lines": PostedText(text), "hidden_lines": diff.hidden_lines}


def describe_tools_diff(diff: ToolsDiff) -> dict[str, Any] | None:
    """Return the tools that were added, removed and changed, None if there are none."""
    if not diff:
        return None
    return {
        "added": list(diff.added),
        "removed": list(diff.removed),
        "changed": [
            {
                "name": change.name or change.type,
                "changes": BothEndsList(
                    {
                        "at": field.pointer,
                        "left": PostedText(field.left.full) if field.left else None,
                        "right": PostedText(field.right.full) if field.right else None,
                    }
                    for field in change.changes
                ),
            }
            for change in diff.changed
        ],
    }


def _describe_row(row: ComparisonRow) -> dict[str, Any]:
    described = {"field": row.name, "left": _describe_cell(row.left), "right": _describe_cell(row.right)}
    return described | ({"difference": row.difference} if row.difference else {})


def _describe_cell(cell: ComparisonCell) -> PostedText | str | None:
    if cell.presence is FieldPresence.NULL:
        return None
    return "(not sent)" if cell.text is None else PostedText(cell.text.full)


def _format_line(line: DiffLine) -> str:
    if line.kind == "skipped":
        return f"@@ {line.count:,} equal lines @@"
    return _MARKS[line.kind] + "".join(segment.text for segment in line.segments)
