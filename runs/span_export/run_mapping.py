"""The facts that several spans of a run need: its model calls, their times and usage, and why it ended."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from runs.models import Run
from runs.protocol.lossless_json import decode_json
from runs.span_export.chat_content import build_message, encode_message_parts
from runs.span_export.posted_calls import PostedToolCall, read_posted_calls
from runs.span_export.run_content import (
    ModelCall,
    RunContent,
    TokenCounts,
    collect_run_calls,
    count_tokens,
    sum_tokens,
)

_PROVIDERS = {Run.Revision.AZURE.value: "azure.ai.openai"}
_DEFAULT_PROVIDER = "openai"
_MAXIMUM_REACHED = frozenset({"max_completion_tokens", "max_prompt_tokens", "max_output_tokens"})


@dataclass(frozen=True)
class RunMapping:
    """A run that is mapped to spans."""

    content: RunContent

    @cached_property
    def calls(self) -> list[ModelCall]:
        """The model calls, in order."""
        return collect_run_calls(self.content)

    @cached_property
    def tool_calls(self) -> list[list[PostedToolCall]]:
        """The tool calls of each model call."""
        return [
            [call for step in call.steps for call in read_posted_calls(step.external_id, step.details)]
            for call in self.calls
        ]

    @cached_property
    def usage(self) -> list[TokenCounts]:
        """The usage of each model call."""
        return [sum_tokens(count_tokens(step) for step in call.steps) for call in self.calls]

    @cached_property
    def has_exact_usage(self) -> bool:
        """Whether the usage of the model calls adds up to that of the run.

        Readers add up what model calls report. Where that would be wrong, only the usage of the run is sent.
        """
        stated, of_calls = count_tokens(self.content.run), sum_tokens(self.usage)
        if TokenCounts() in (stated, of_calls):
            return stated == TokenCounts()
        return _without_unknown(of_calls) == _without_unknown(stated)

    @cached_property
    def inputs(self) -> list[dict[str, Any]]:
        """The messages that the run got."""
        return [build_message(message.role, encode_message_parts(message)) for message in self.content.inputs]

    @cached_property
    def configuration(self) -> dict[str, Any]:
        """The members of the run's configuration."""
        members: dict[str, Any] = decode_json(self.content.run.configuration.body.encode())
        return members

    @property
    def provider(self) -> str:
        """The provider of the model, as the semantic conventions name it."""
        return _PROVIDERS.get(self.content.run.revision, _DEFAULT_PROVIDER)

    def is_last(self, index: int) -> bool:
        """Return whether the model call of that index is the last one."""
        return index + 1 == len(self.calls)

    def finish_reason(self) -> str:
        """Return why the model stopped at the end of the run."""
        run = self.content.run
        if run.status == Run.Status.INCOMPLETE:
            reason = run.incomplete_reason or "length"
            return "length" if reason in _MAXIMUM_REACHED else reason
        return "error" if run.status == Run.Status.FAILED else "stop"

    def call_finish_reason(self, index: int) -> str:
        """Return why the model stopped in the call of that index."""
        if self.tool_calls[index]:
            return "tool_calls"
        return self.finish_reason() if self.is_last(index) else "stop"

    def call_times(self, index: int) -> tuple[datetime, datetime]:
        """Return when a model call began and ended. A step that calls tools is created when the model has answered."""
        call, run = self.calls[index], self.content.run
        if not call.steps:
            written = call.messages[0]
            return written.created_at, written.completed_at or written.created_at
        started = min(step.created_at for step in call.steps)
        if call.response_id is not None or call.steps[0].type != "tool_calls":
            return started, max(step.ended_at or started for step in call.steps)
        ends = _known(step.ended_at for earlier in self.calls[:index] for step in earlier.steps)
        return min(max(ends, default=run.started_at or run.created_at), started), started

    def run_times(self) -> tuple[datetime, datetime]:
        """Return when the run began and ended; while that is unknown, when the last thing happened that is known."""
        run = self.content.run
        happened = _known([run.started_at, *(step.ended_at or step.created_at for step in self.content.steps)])
        return run.created_at, run.ended_at or max(happened, default=run.created_at)


def _known(times: Iterable[datetime | None]) -> list[datetime]:
    return [time for time in times if time is not None]


def _without_unknown(counts: TokenCounts) -> TokenCounts:
    return TokenCounts(*(count or 0 for count in counts))
