"""The messages of a run. Model calls repeat the whole history: each message is kept once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from runs.traces.agent_span import AgentSpan
from runs.traces.chat_messages import ChatMessage, decode_embedded_json
from runs.traces.nesting import SpanNesting
from runs.traces.span_times import to_seconds


@dataclass
class TraceConversation:
    """The messages of a run in their order: who says what, when (in nanoseconds), under which id."""

    said: list[tuple[str, ChatMessage, int]] = field(default_factory=list)
    message_ids: dict[str, str] = field(default_factory=dict)  # of the answers, by span
    _counts: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add_new(self, messages: Iterable[ChatMessage], time_ns: int, span_id: str) -> None:
        """Add those of `messages` that are not there yet. What is repeated within `messages` counts each time."""
        counts: Counter[tuple[str, str]] = Counter()
        for message in messages:
            key = (message.role, message.text)
            counts[key] += 1
            if message.text and counts[key] > self._counts[key]:
                self._counts[key] += 1
                self._append(message, time_ns, span_id)

    def add_answer(self, call: AgentSpan) -> None:
        """Add the texts that a model call wrote, as one message."""
        parts = tuple(part for message in call.output_messages for part in message.parts if part.kind == "text")
        answer = ChatMessage("assistant", parts)
        if answer.text:
            for message in call.output_messages:
                self._counts[message.role, message.text] += 1
            self.message_ids[call.span_id] = self._append(answer, call.ended_ns, call.span_id)

    def _append(self, message: ChatMessage, time_ns: int, span_id: str) -> str:
        message_id = f"msg_{len(self.said):06d}_{span_id}"
        self.said.append((message_id, message, time_ns))
        return message_id

    def build_messages(self, default_time: int) -> list[dict[str, Any]]:
        """Return `thread.message` objects. Those without a time have `default_time`, in seconds."""
        return [
            {
                "id": message_id,
                "object": "thread.message",
                "created_at": to_seconds(time_ns) or default_time,
                "role": message.role,
                "content": [{"type": "text", "text": {"value": message.text, "annotations": []}}],
            }
            for message_id, message, time_ns in self.said
        ]


def build_conversation(root: AgentSpan | None, model_calls: list[AgentSpan], nesting: SpanNesting) -> TraceConversation:
    """Return the messages of a run: the user's from its root, else from its model calls, and what models answered.

    What an agent is asked by a tool call of another is no message of a user.
    """
    conversation = TraceConversation()
    root_input = _of_users(root.input_messages) if root is not None else []
    if root is not None:
        conversation.add_new(root_input, root.started_ns, root.span_id)
    asked: set[str] = set()  # the texts in the arguments of all tool calls
    for call in model_calls:
        if not root_input and not nesting.is_below_tool(call):
            messages = [message for message in _of_users(call.input_messages) if message.text not in asked]
            conversation.add_new(messages, call.started_ns, call.span_id)
        arguments = [part.text for message in call.output_messages for part in message.tool_calls]
        asked.update(text for argument in arguments for text in _find_texts(decode_embedded_json(argument)))
        conversation.add_answer(call)
    if root is not None and root not in model_calls and not conversation.message_ids:
        conversation.add_answer(root)
    return conversation


def _find_texts(value: Any) -> Iterator[str]:
    """Yield the texts in arguments, which another agent may answer."""
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value


def _of_users(messages: Iterable[ChatMessage]) -> list[ChatMessage]:
    return [message for message in messages if message.role == "user"]
