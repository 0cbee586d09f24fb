"""Configured tools against called ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from dashboard.run_page import excerpt
from dashboard.run_page.calls import Call
from dashboard.run_page.excerpt import Excerpt
from dashboard.run_page.posted import Posted, Presence, as_mapping, as_text

# More are drawn when they come into view.
FIRST_TOOLS = 20


@dataclass
class Tool:
    """One configured tool, or one that was called without being configured. `definition`: its JSON value."""

    key: tuple[str, str]
    type: str
    name: str
    description: Excerpt | None = None
    definition: Any = None
    schema_title: str = ""
    is_strict: bool = False
    is_configured: bool = True
    calls: list[Call] = field(default_factory=list)

    @property
    def schema(self) -> Excerpt | None:
        """The definition, laid out."""
        return None if self.definition is None else excerpt.of_value(self.definition)

    @property
    def waiting(self) -> int:
        """How many of its calls wait for an output."""
        return sum(not call.is_answered for call in self.calls)

    @property
    def output_length(self) -> int | None:
        """Characters of all outputs that were recorded."""
        lengths = [call.output_length for call in self.calls if call.output_length is not None]
        return sum(lengths) if lengths else None


@dataclass
class Tools:
    """`called` are all known calls of the run; `is_known` says whether its steps were received at all."""

    posted: Posted
    called: Sequence[Call]
    is_known: bool
    is_full: bool = False

    @property
    def drawn(self) -> list[Tool]:
        return self.rows if self.is_full else self.rows[:FIRST_TOOLS]

    @property
    def hidden(self) -> int:
        """How many tools are not drawn."""
        return len(self.rows) - len(self.drawn)

    @property
    def presence(self) -> Presence:
        return self.posted.presence("tools")

    @cached_property
    def rows(self) -> list[Tool]:
        """Called ones first, most often called on top, then the others as they were configured."""
        configured = [_configured(as_mapping(each)) for each in self.posted.items("tools")]
        return sorted(_with_calls(configured, self.called), key=lambda tool: -len(tool.calls))

    @property
    def configured_count(self) -> int:
        return len(self.posted.items("tools"))

    @property
    def called_count(self) -> int:
        """How many of the configured ones were called."""
        return sum(bool(tool.calls) for tool in self.rows if tool.is_configured)

    @property
    def never_called_count(self) -> int:
        return sum(not tool.calls for tool in self.rows)

    @property
    def undeclared(self) -> list[Tool]:
        """Tools that were called, but not configured; none where the configured ones were not sent."""
        return [tool for tool in self.rows if not tool.is_configured] if self.presence is Presence.VALUE else []


def _with_calls(configured: list[Tool], called: Iterable[Call]) -> list[Tool]:
    """`configured` with their calls; calls of no configured tool get one of their own."""
    by_key: dict[tuple[str, str], Tool] = {}
    for tool in configured:
        by_key.setdefault(tool.key, tool)
    extra = []
    for call in called:
        if call.key not in by_key:
            by_key[call.key] = Tool(call.key, call.type, call.name, is_configured=False)
            extra.append(by_key[call.key])
        by_key[call.key].calls.append(call)
    return configured + extra


def _configured(posted: dict[str, Any]) -> Tool:
    kind = as_text(posted.get("type")) or "(no type)"
    if kind == "function":
        return _function(kind, as_mapping(posted.get("function")))
    server = as_text(posted.get("server_label"))
    rest = {name: value for name, value in posted.items() if name != "type"}
    return Tool(
        (kind, server or "" if kind == "mcp" else ""),
        kind,
        server or kind,
        definition=rest or None,
        schema_title="Definition, as received",
    )


def _function(kind: str, posted: dict[str, Any]) -> Tool:
    name = as_text(posted.get("name")) or ""
    description = as_text(posted.get("description"))
    schema = posted.get("parameters")
    return Tool(
        (kind, name),
        kind,
        name,
        excerpt.of_text(description) if description else None,
        schema,
        _schema_title(schema),
        posted.get("strict") is True,
    )


def _schema_title(schema: Any) -> str:
    count = len(as_mapping(as_mapping(schema).get("properties")))
    return f"Schema, {count} parameter{'' if count == 1 else 's'}"
