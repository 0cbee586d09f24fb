"""Normalise a span: find its role, and its values in whichever dialect has them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

from runs.traces.agent_span import AgentSpan, SpanError, SpanRole, TokenUsage, ToolUse
from runs.traces.chat_messages import ChatMessage, decode_embedded_json, to_text
from runs.traces.dialects import DIALECTS, SpanDialect
from runs.traces.span_view import SpanView

_METADATA_ATTRIBUTES = ("deployment.environment.name", "deployment.environment", "service.version")
_SETTINGS = ("temperature", "top_p", "max_completion_tokens")


_UNPREFIXED = tuple(dialect for dialect in DIALECTS if dialect.have_no_prefix)


@lru_cache
def _attribute_names(field: str, excluded: tuple[str, ...]) -> tuple[str, ...]:
    dialects = (dialect for dialect in DIALECTS if dialect.name not in excluded)
    return tuple(name for dialect in dialects for name in dialect.attributes.get(field, ()))


class _Reader:
    """Reads the fields of one span, in the dialects that apply to it."""

    def __init__(self, span: SpanView) -> None:
        self._span = span
        self._excluded = tuple(dialect.name for dialect in _UNPREFIXED if dialect.find_role(span) is None)

    def names(self, field: str) -> tuple[str, ...]:
        return _attribute_names(field, self._excluded)

    def text(self, field: str) -> str | None:
        return self._span.get_text(self.names(field))

    def first_text(self, *fields: str) -> str | None:
        return next((text for field in fields if (text := self.text(field))), None)


def find_span_role(span: SpanView) -> SpanRole | None:
    """Return the role of a span; None if no instrumentation of agents made it."""
    roles = [role for dialect in DIALECTS if (role := dialect.find_role(span)) is not None]
    return next((role for role in roles if role is not SpanRole.OTHER), roles[0] if roles else None)


def normalize_span(span: SpanView, role: SpanRole) -> AgentSpan:
    """Return what a span of that role tells."""
    has_messages = role.is_agent or role is SpanRole.MODEL
    reader = _Reader(span)
    return AgentSpan(
        span.link.span_id,
        span.link.parent_id,
        span.name,
        role,
        span.started_ns,
        max(span.ended_ns, span.started_ns),
        agent_id=_id_without_version(reader) if role.is_agent else None,
        agent_name=_agent_name(reader, role) if role.is_agent else None,
        agent_version=_agent_version(reader) if role.is_agent else None,
        conversation_id=reader.text("conversation_id"),
        provider=reader.text("provider"),
        request_model=reader.text("request_model"),
        response_model=reader.text("response_model"),
        response_id=reader.text("response_id"),
        usage=_read_usage(span, reader) if has_messages else TokenUsage(),
        finish_reasons=_read_finish_reasons(span, reader),
        run_status=reader.text("run_status") if role.is_agent else None,
        error=_read_error(span, reader),
        input_messages=_read_messages(span, lambda dialect: dialect.read_input) if has_messages else (),
        output_messages=_read_messages(span, lambda dialect: dialect.read_output) if has_messages else (),
        instructions=_first(dialect.read_instructions(span) for dialect in DIALECTS) if has_messages else None,
        tools=_read_tools(span) if has_messages else (),
        tool=_read_tool(span, reader) if role is SpanRole.TOOL else None,
        settings=_read_settings(span, reader),
        metadata=_read_metadata(span),
        service=_service(span),
        capture_setting=find_capture_setting(span.scope),
    )


def find_capture_setting(scope: str) -> str:
    """Return the setting that makes the instrumentation of that scope send contents; empty if it is unknown."""
    matches = [
        (len(prefix), setting)
        for dialect in DIALECTS
        for prefix, setting in dialect.capture_settings.items()
        if scope == prefix or (scope.startswith(prefix) and len(prefix) > 2)
    ]
    return max(matches, default=(0, ""))[1]


def _first(values: Iterable[Any]) -> Any:
    return next((value for value in values if value), None)


def _id_without_version(reader: _Reader) -> str | None:
    """Return the id of an agent; Foundry's `name:version` is the name, so that all versions are one assistant."""
    return reader.text("agent_name" if _version_in_id(reader) is not None else "agent_id")


def _agent_version(reader: _Reader) -> str | None:
    """Return the version of an agent: its own attribute, else what follows its name in its id."""
    return reader.text("agent_version") or _version_in_id(reader) or None


def _version_in_id(reader: _Reader) -> str | None:
    """Return what follows the name of an agent and a colon in its id."""
    agent_id, name = reader.text("agent_id"), reader.text("agent_name")
    if not (agent_id and name and agent_id.startswith(f"{name}:")):
        return None
    return agent_id.removeprefix(f"{name}:")


def _agent_name(reader: _Reader, role: SpanRole) -> str | None:
    fields = ("workflow_name", "agent_name") if role is SpanRole.WORKFLOW else ("agent_name", "workflow_name")
    return reader.first_text(*fields)


def _read_usage(span: SpanView, reader: _Reader) -> TokenUsage:
    return TokenUsage(**{name: span.get_count(reader.names(f"usage.{name}")) for name in TokenUsage.__struct_fields__})


def _read_finish_reasons(span: SpanView, reader: _Reader) -> tuple[str, ...]:
    reasons = decode_embedded_json(span.get(reader.names("finish_reasons")))
    return tuple(str(reason) for reason in (reasons if isinstance(reasons, list) else [reasons]) if reason)


def _read_error(span: SpanView, reader: _Reader) -> SpanError | None:
    error_type = span.get_text(("error.type",))
    if not span.has_error_status and error_type is None:
        return None
    exception = span.exception.attributes if span.exception else {}
    code = error_type or exception.get("exception.type") or "error"
    message = span.status_message or exception.get("exception.message") or reader.text("error_message") or ""
    return SpanError(str(code), str(message))


def _read_messages(span: SpanView, reader: Callable[[SpanDialect], Any]) -> tuple[ChatMessage, ...]:
    return tuple(_first(reader(dialect)(span) for dialect in DIALECTS) or ())


def _read_tools(span: SpanView) -> tuple[dict[str, Any], ...]:
    tools = _first(dialect.read_tools(span) for dialect in DIALECTS) or []
    return tuple(_to_tool(tool) for tool in tools if isinstance(tool, dict))


def _to_tool(tool: dict[str, Any]) -> dict[str, Any]:
    """Return the definition of a tool as `thread.run` has it: the name of a function is in `function`."""
    if isinstance(tool.get("function"), dict):
        return {"type": "function", **tool}
    if not isinstance(tool.get("name"), str):
        return tool if isinstance(tool.get("type"), str) else {"type": "function", **tool}
    schema = tool.get("parameters", tool.get("inputSchema", tool.get("input_schema")))
    function = {"name": tool["name"], "description": tool.get("description"), "parameters": schema}
    return {"type": "function", "function": {name: value for name, value in function.items() if value is not None}}


def _read_tool(span: SpanView, reader: _Reader) -> ToolUse:
    arguments, result = span.get(reader.names("tool.arguments")), span.get(reader.names("tool.result"))
    return ToolUse(
        reader.text("tool.name") or span.name,
        reader.text("tool.call_id"),
        None if arguments is None else to_text(arguments),
        None if result is None else to_text(result),
    )


def _read_settings(span: SpanView, reader: _Reader) -> dict[str, float]:
    values = ((name, span.get(reader.names(f"settings.{name}"))) for name in _SETTINGS)
    return {
        name: value
        for name, value in values
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value >= 0
    }


def _read_metadata(span: SpanView) -> dict[str, str]:
    metadata = {name: span.resource[name] for name in _METADATA_ATTRIBUTES if isinstance(span.resource.get(name), str)}
    if service := _service(span):
        metadata["service.name"] = service
    return metadata


def _service(span: SpanView) -> str | None:
    name = span.resource.get("service.name")
    return name if isinstance(name, str) and name.strip() else None
