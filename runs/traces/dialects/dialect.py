"""The form of a dialect: which attributes an instrumentation writes, and what they mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from runs.traces.agent_span import SpanRole
from runs.traces.chat_messages import ChatMessage
from runs.traces.span_view import SpanView

ReadMessages = Callable[[SpanView], list[ChatMessage]]


def _no_messages(_: SpanView) -> list[ChatMessage]:
    return []


def _no_tools(_: SpanView) -> list[Any]:
    return []


@dataclass(frozen=True)
class SpanDialect:
    """The vocabulary of one or several instrumentations.

    `find_role` returns the role of a span, None if the dialect does not know it. `attributes` names, by field of
    `AgentSpan` (or `usage.…`, `tool.…`, `settings.…`), the attributes that hold it, newest first. The `read_…`
    functions return contents that are not in one attribute. If names of attributes `have_no_prefix`, they only count on
    spans that the dialect knows. `capture_settings` names, by the beginning of the scopes of instrumentations, what
    makes them send contents.
    """

    name: str
    find_role: Callable[[SpanView], SpanRole | None]
    attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    read_input: ReadMessages = _no_messages
    read_output: ReadMessages = _no_messages
    read_instructions: Callable[[SpanView], str | None] = lambda _: None
    read_tools: Callable[[SpanView], list[Any]] = _no_tools
    have_no_prefix: bool = False
    capture_settings: Mapping[str, str] = field(default_factory=dict)


def unflatten_attributes(span: SpanView, prefix: str) -> list[Any]:
    """Return the list that the attributes `PREFIX.0.a.b`, `PREFIX.1.a.b` … are the members of."""
    root: dict[str, Any] = {}
    for name, value in span.attributes.items():
        if name.startswith(prefix + "."):
            _insert(root, name[len(prefix) + 1 :].split("."), value)
    value = _to_lists(root)
    return value if isinstance(value, list) else []


def _insert(node: dict[str, Any], path: list[str], value: Any) -> None:
    for step in path[:-1]:
        child = node.setdefault(step, {})
        if not isinstance(child, dict):
            return  # both `a` and `a.b` are there
        node = child
    node.setdefault(path[-1], value)


def _to_lists(node: Any) -> Any:
    if not isinstance(node, dict):
        return node
    members = {name: _to_lists(value) for name, value in node.items()}
    if members and all(name.isdecimal() for name in members):
        return [members[name] for name in sorted(members, key=lambda name: (len(name), name))]
    return members
