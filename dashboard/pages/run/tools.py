"""Configured tools against called ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from dashboard.pages.run.steps import RunPageStep
from dashboard.ui import truncated_text
from dashboard.ui.posted_object import FieldPresence, PostedObject, as_mapping, as_text
from dashboard.ui.tool_call_parts import DisplayedToolCall
from dashboard.ui.truncated_text import TruncatedText
from runs.protocol.timestamps import milliseconds_between

# More are drawn when they come into view.
INITIAL_TOOL_COUNT = 20


@dataclass
class RunToolRow:
    """One configured tool, or one that was called without being configured. `definition`: its JSON value."""

    key: tuple[str, str]
    type: str
    name: str
    description: TruncatedText | None = None
    definition: Any = None
    schema_title: str = ""
    is_strict: bool = False
    is_configured: bool = True
    calls: list[DisplayedToolCall] = field(default_factory=list)
    failed: int = 0  # of the calls, those whose step failed
    times: list[int] = field(default_factory=list)  # milliseconds, of those that had a step of their own

    @property
    def schema(self) -> TruncatedText | None:
        """The definition, laid out."""
        return None if self.definition is None else truncated_text.truncate_json(self.definition)

    @property
    def address(self) -> str:
        """Its part of the address of its own page."""
        return f"{self.type}/{self.name or self.type}"

    @property
    def waiting(self) -> int:
        """How many of its calls wait for an output."""
        return sum(not call.is_answered for call in self.calls)

    @property
    def complaints(self) -> int:
        """How many outputs look like errors."""
        return sum(call.output_error is not None for call in self.calls)

    @property
    def mean_ms(self) -> int | None:
        """How long a call took; several calls of one step share its times, and are not counted."""
        return sum(self.times) // len(self.times) if self.times else None

    @property
    def output_length(self) -> int | None:
        """Characters of all outputs that were recorded."""
        lengths = [call.output_length for call in self.calls if call.output_length is not None]
        return sum(lengths) if lengths else None


@dataclass
class ToolsSection:
    """`pending` are the calls that the run waits for, some of which its `steps` tell too."""

    posted: PostedObject
    steps: Sequence[RunPageStep]
    pending: Sequence[DisplayedToolCall]
    is_full: bool = False

    @property
    def is_known(self) -> bool:
        """Whether the run's steps were received at all."""
        return bool(self.steps)

    @property
    def drawn(self) -> list[RunToolRow]:
        return self.rows if self.is_full else self.rows[:INITIAL_TOOL_COUNT]

    @property
    def hidden(self) -> int:
        """How many tools are not drawn."""
        return len(self.rows) - len(self.drawn)

    @property
    def presence(self) -> FieldPresence:
        return self.posted.presence("tools")

    @cached_property
    def rows(self) -> list[RunToolRow]:
        """Called ones first, most often called on top, then the others as they were configured."""
        configured = [_configured(as_mapping(each)) for each in self.posted.list_value("tools")]
        return sorted(_with_calls(configured, self._calls), key=lambda tool: -len(tool.calls))

    @property
    def _calls(self) -> list[tuple[DisplayedToolCall, RunPageStep | None]]:
        """All calls that are known, of the steps and of what is awaited, each once."""
        told: list[tuple[DisplayedToolCall, RunPageStep | None]] = [
            (call, step) for step in self.steps for call in step.calls
        ]
        ids = {call.id for call, _ in told}
        return told + [(call, None) for call in self.pending if call.id not in ids]

    @property
    def configured_count(self) -> int:
        return len(self.posted.list_value("tools"))

    @property
    def called_count(self) -> int:
        """How many of the configured ones were called."""
        return sum(bool(tool.calls) for tool in self.rows if tool.is_configured)

    @property
    def never_called_count(self) -> int:
        return sum(not tool.calls for tool in self.rows)

    @property
    def undeclared(self) -> list[RunToolRow]:
        """Tools that were called, but not configured; none where the configured ones were not sent."""
        return [tool for tool in self.rows if not tool.is_configured] if self.presence is FieldPresence.VALUE else []


def _with_calls(
    configured: list[RunToolRow], called: Iterable[tuple[DisplayedToolCall, RunPageStep | None]]
) -> list[RunToolRow]:
    """`configured` with their calls; calls of no configured tool get one of their own."""
    by_key: dict[tuple[str, str], RunToolRow] = {}
    for tool in configured:
        by_key.setdefault(tool.key, tool)
    extra = []
    for call, step in called:
        if call.tool_key not in by_key:
            by_key[call.tool_key] = RunToolRow(call.tool_key, call.type, call.name, is_configured=False)
            extra.append(by_key[call.tool_key])
        _add(by_key[call.tool_key], call, step)
    return configured + extra


def _add(tool: RunToolRow, call: DisplayedToolCall, step: RunPageStep | None) -> None:
    tool.calls.append(call)
    if step is None:
        return
    tool.failed += step.is_failed
    taken = milliseconds_between(step.record.created_at, step.record.ended_at)
    if taken is not None and len(step.calls) == 1:
        tool.times.append(taken)


def _configured(posted: dict[str, Any]) -> RunToolRow:
    kind = as_text(posted.get("type")) or "(no type)"
    if kind == "function":
        return _function(kind, as_mapping(posted.get("function")))
    server = as_text(posted.get("server_label"))
    rest = {name: value for name, value in posted.items() if name != "type"}
    return RunToolRow(
        (kind, server or "" if kind == "mcp" else ""),
        kind,
        server or kind,
        definition=rest or None,
        schema_title="Definition, as received",
    )


def _function(kind: str, posted: dict[str, Any]) -> RunToolRow:
    name = as_text(posted.get("name")) or ""
    description = as_text(posted.get("description"))
    schema = posted.get("parameters")
    return RunToolRow(
        (kind, name),
        kind,
        name,
        truncated_text.truncate_text(description) if description else None,
        schema,
        _schema_title(schema),
        posted.get("strict") is True,
    )


def _schema_title(schema: Any) -> str:
    count = len(as_mapping(as_mapping(schema).get("properties")))
    return f"Schema, {count} parameter{'' if count == 1 else 's'}"
