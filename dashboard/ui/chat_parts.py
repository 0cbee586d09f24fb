"""Messages of model calls for display: texts, reasoning, calls and results of tools, placeholders of attachments."""

from __future__ import annotations

from collections.abc import Sequence

from dashboard.ui.readable_values import truncate_readable
from dashboard.ui.shown_messages import ShownChatPart, ShownMessage, ShownMessages
from dashboard.ui.titled_part import TitledPart
from runs.traces.agent_span import AgentSpan
from runs.traces.chat_messages import ChatMessage, ChatPart

MAX_SHOWN_MESSAGES = 20  # the last ones; earlier ones are counted
_LABELS = {"reasoning": "Reasoning", "tool_call": "Call of", "tool_result": "Result of", "other": "Attachment"}


def build_chat_parts(span: AgentSpan) -> list[TitledPart]:
    """Return what a span tells of messages and of the use of a tool."""
    parts = []
    if span.instructions:
        parts.append(TitledPart("Instructions", truncate_readable(span.instructions)))
    if span.input_messages:
        parts.append(TitledPart("Input", messages=show_messages(span.input_messages)))
    if span.output_messages:
        parts.append(TitledPart("Output", messages=show_messages(span.output_messages)))
    if span.tool is not None:
        for title, text in (("Arguments", span.tool.arguments), ("Result", span.tool.result)):
            if text is not None:
                parts.append(TitledPart(title, truncate_readable(text)))
    return parts


def show_messages(messages: Sequence[ChatMessage]) -> ShownMessages:
    """Return the last of `messages` for display."""
    last = messages[-MAX_SHOWN_MESSAGES:]
    shown = [ShownMessage(message.role, list(map(_show_part, message.parts))) for message in last]
    return ShownMessages(shown, len(messages) - len(last))


def _show_part(part: ChatPart) -> ShownChatPart:
    if part.kind == "other":
        return ShownChatPart(_LABELS["other"], part.text, None)
    name = part.name or part.call_id or "" if part.kind in ("tool_call", "tool_result") else ""
    return ShownChatPart(_LABELS.get(part.kind, ""), name, truncate_readable(part.text) if part.text else None)
