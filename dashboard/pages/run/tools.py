"""The tools section of the run page: configured tools, the calls of each, and invalid calls."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from dashboard.pages.run.steps import RunPageStep, RunSteps
from dashboard.pages.run.timeline.section import Timeline
from dashboard.ui.posted_object import FieldPresence, PostedObject, as_mapping, as_text
from dashboard.ui.tool_call_parts import DisplayedToolCall
from dashboard.ui.truncated_text import TruncatedText, truncate_json, truncate_text
from runs.enrichment.function_calls import CallFinding
from runs.protocol.fields import truncate_indexed
from runs.protocol.timestamps import milliseconds_between

# More tools are fetched when the link to them comes into view.
INITIAL_TOOL_COUNT = 20
MAX_TOOL_COUNT = 500
_MAX_UNDECLARED = 50
# The timeline shows the findings about every call.
_MAX_FINDINGS = 20


@dataclass(frozen=True, slots=True)
class ToolCallFindingRow:
    """A finding about a function call. `step` is None for a call that only the required action contains."""

    finding: CallFinding
    step: RunPageStep | None
    url: str


@dataclass
class RunToolRow:
    """A configured tool, or a tool that was called without being configured.

    `key` identifies the tool, see `DisplayedToolCall.tool_key`. `definition` is a JSON value. `failed_count` counts
    the calls whose step failed. `durations` are milliseconds of the calls that had a step of their own.
    """

    key: tuple[str, str]
    type: str
    name: str
    description: TruncatedText | None = None
    definition: Any = None
    schema_title: str = ""
    is_strict: bool = False
    is_configured: bool = True
    calls: list[DisplayedToolCall] = field(default_factory=list)
    failed_count: int = 0
    durations: list[int] = field(default_factory=list)

    @property
    def schema(self) -> TruncatedText | None:
        """The formatted definition."""
        return None if self.definition is None else truncate_json(self.definition)

    @property
    def waiting_count(self) -> int:
        """The number of calls that wait for an output."""
        return sum(not call.is_answered for call in self.calls)

    @property
    def output_error_count(self) -> int:
        """The number of outputs that look like errors."""
        return sum(call.output_error is not None for call in self.calls)

    @property
    def mean_ms(self) -> int | None:
        """The mean duration of a call. Calls that share a step share its times, and are not counted."""
        return sum(self.durations) // len(self.durations) if self.durations else None

    @property
    def output_length(self) -> int | None:
        """The number of characters of all recorded outputs."""
        lengths = [call.output_length for call in self.calls if call.output_length is not None]
        return sum(lengths) if lengths else None


@dataclass
class ToolsSection:
    """The tools of a run. `is_full` draws all of them, also those of a run whose steps are not all read at first."""

    posted: PostedObject
    steps: RunSteps
    timeline: Timeline
    is_full: bool = False

    @property
    def presence(self) -> FieldPresence:
        """Return whether `tools` was sent."""
        return self.posted.presence("tools")

    @property
    def is_loaded(self) -> bool:
        """Return whether the steps are read that tell which tools were called."""
        return self.is_full or self.steps.is_complete

    @property
    def has_steps(self) -> bool:
        """Return whether any step was received. Without steps, the called tools are unknown."""
        return bool(self.steps.steps)

    @cached_property
    def rows(self) -> list[RunToolRow]:
        """All tools: the most often called ones first, then the others in the order of the configuration."""
        rows = [_parse_tool(as_mapping(tool)) for tool in self.posted.list_value("tools")]
        rows_by_key: dict[tuple[str, str], RunToolRow] = {}
        for row in rows:
            rows_by_key.setdefault(row.key, row)
        for call, step in self.steps.calls:
            key = call.tool_key
            if key not in rows_by_key:
                rows_by_key[key] = RunToolRow(key, call.type, call.name, is_configured=False)
                rows.append(rows_by_key[key])
            row = rows_by_key[key]
            row.calls.append(call)
            if step is not None:
                row.failed_count += step.is_failed
                duration = milliseconds_between(step.record.stated_created_at, step.record.ended_at)
                if duration is not None and len(step.calls) == 1:
                    row.durations.append(duration)
        return sorted(rows, key=lambda row: -len(row.calls))

    @property
    def drawn_rows(self) -> list[RunToolRow]:
        """The tools that are drawn."""
        return self.rows[: MAX_TOOL_COUNT if self.is_full else INITIAL_TOOL_COUNT]

    @property
    def hidden_count(self) -> int:
        """The number of tools that are not drawn."""
        return len(self.rows) - len(self.drawn_rows)

    @property
    def configured_count(self) -> int:
        """The number of configured tools."""
        return len(self.posted.list_value("tools"))

    @property
    def called_count(self) -> int:
        """The number of configured tools that were called."""
        return sum(bool(row.calls) for row in self.rows if row.is_configured)

    @property
    def never_called_count(self) -> int:
        """The number of configured tools that were not called."""
        return sum(not row.calls for row in self.rows)

    @property
    def undeclared(self) -> list[RunToolRow]:
        """The first tools that were called without being configured. Unknown, so empty, if `tools` was not sent."""
        if self.presence is not FieldPresence.VALUE:
            return []
        return [row for row in self.rows if not row.is_configured][:_MAX_UNDECLARED]

    @property
    def invalid_call_count(self) -> int:
        """The number of function calls that violate their declaration."""
        return self.steps.invalid_call_count

    @cached_property
    def findings(self) -> list[ToolCallFindingRow]:
        """The first findings about function calls, in the order of the calls."""
        rows = []
        for finding in self.steps.validation.findings[:_MAX_FINDINGS]:
            step = self.steps.step_of(finding)
            rows.append(ToolCallFindingRow(finding, step, self.timeline.step_url(step) if step else "#overview"))
        return rows

    @property
    def hidden_finding_count(self) -> int:
        """The number of findings that are not listed."""
        return len(self.steps.validation.findings) - len(self.findings)


def _parse_tool(posted: dict[str, Any]) -> RunToolRow:
    kind = truncate_indexed(as_text(posted.get("type")) or "(no type)")
    if kind == "function":
        return _parse_function(as_mapping(posted.get("function")))
    server = truncate_indexed(as_text(posted.get("server_label")) or "")
    return RunToolRow(
        key=(kind, server if kind == "mcp" else ""),
        type=kind,
        name=server or kind,
        definition={name: value for name, value in posted.items() if name != "type"} or None,
        schema_title="Definition, as received",
    )


def _parse_function(posted: dict[str, Any]) -> RunToolRow:
    name = truncate_indexed(as_text(posted.get("name")) or "")
    description = as_text(posted.get("description"))
    schema = posted.get("parameters")
    count = len(as_mapping(as_mapping(schema).get("properties")))
    return RunToolRow(
        key=("function", name),
        type="function",
        name=name,
        description=truncate_text(description) if description else None,
        definition=schema,
        schema_title=f"Schema, {count} parameter{'' if count == 1 else 's'}",
        is_strict=posted.get("strict") is True,
    )
