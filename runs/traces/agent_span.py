"""Describe what the spans of all dialects have in common: agents, model calls and tools."""

from __future__ import annotations

from enum import Enum
from typing import Any

from msgspec import Struct

from runs.traces.chat_messages import ChatMessage


class SpanRole(Enum):
    """The part that a span plays in a run. Embeddings and all else are only drawn on the timeline."""

    AGENT = "agent"
    WORKFLOW = "workflow"
    MODEL = "model call"
    TOOL = "tool"
    OTHER = "other"

    @property
    def is_agent(self) -> bool:
        """Return whether a span of this role can be the root of a run."""
        return self in (SpanRole.AGENT, SpanRole.WORKFLOW)


class TokenUsage(Struct, frozen=True):
    """The numbers of tokens of one or several model calls; None if a number was not reported."""

    input: int | None = None
    output: int | None = None
    total: int | None = None
    cached: int | None = None
    cache_write: int | None = None
    reasoning: int | None = None

    def __bool__(self) -> bool:
        """Return whether any number was reported."""
        return any(number is not None for number in self._numbers())

    def __add__(self, other: TokenUsage) -> TokenUsage:
        """Return the sums. A number that only one of both has counts alone."""
        return TokenUsage(*(_add(left, right) for left, right in zip(self._numbers(), other._numbers(), strict=True)))

    def _numbers(self) -> tuple[int | None, ...]:
        return (self.input, self.output, self._total(), self.cached, self.cache_write, self.reasoning)

    def _total(self) -> int | None:
        return self.total if self.total is not None else _add(self.input, self.output)

    def as_json(self) -> dict[str, Any] | None:
        """Return the usage of a `thread.run`, None if nothing was reported."""
        if not self:
            return None
        usage: dict[str, Any] = {
            "prompt_tokens": self.input or 0,
            "completion_tokens": self.output or 0,
            "total_tokens": self._total() or 0,
        }
        if self.cached is not None:
            usage["prompt_token_details"] = {"cached_tokens": self.cached}
        if self.cache_write is not None:
            usage.setdefault("prompt_token_details", {})["cache_write_tokens"] = self.cache_write
        if self.reasoning is not None:
            usage["completion_tokens_details"] = {"reasoning_tokens": self.reasoning}
        return usage


class SpanError(Struct, frozen=True):
    """Why a span failed."""

    code: str
    message: str


class ToolUse(Struct, frozen=True):
    """The execution of a tool. Arguments and result are texts, None if they were not captured."""

    name: str
    call_id: str | None = None
    arguments: str | None = None
    result: str | None = None


class AgentSpan(Struct, frozen=True):
    """A span that an instrumentation of agents made. Times are nanoseconds since 1970, 0 if they are unknown."""

    span_id: str
    parent_id: str | None
    name: str
    role: SpanRole
    started_ns: int = 0
    ended_ns: int = 0
    agent_id: str | None = None
    agent_name: str | None = None
    agent_version: str | None = None
    conversation_id: str | None = None
    provider: str | None = None
    request_model: str | None = None
    response_model: str | None = None
    response_id: str | None = None
    usage: TokenUsage = TokenUsage()
    finish_reasons: tuple[str, ...] = ()
    run_status: str | None = None
    error: SpanError | None = None
    input_messages: tuple[ChatMessage, ...] = ()
    output_messages: tuple[ChatMessage, ...] = ()
    instructions: str | None = None
    tools: tuple[dict[str, Any], ...] = ()
    tool: ToolUse | None = None
    settings: dict[str, float] = {}
    metadata: dict[str, Any] = {}
    service: str | None = None
    capture_setting: str = ""

    @property
    def has_content(self) -> bool:
        """Return whether any text of messages, arguments or results was captured."""
        captured = self.tool is not None and (self.tool.arguments is not None or self.tool.result is not None)
        return bool(self.input_messages or self.output_messages or captured)


def _add(left: int | None, right: int | None) -> int | None:
    if left is None or right is None:
        return left if right is None else right
    return left + right
