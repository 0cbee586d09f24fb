"""The stored steps of a run with what their details hold."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from dashboard.ui import tool_call_parts, truncated_text
from dashboard.ui.posted_object import as_mapping
from dashboard.ui.tool_call_parts import DisplayedToolCall, TitledPart
from runs.models import Message, Run, RunStep
from runs.protocol.lossless_json import parse_json
from runs.protocol.step import TERMINAL_STEP_STATUSES

_ANCHOR = re.compile(r"step_[A-Za-z0-9_-]{1,200}")


@dataclass(frozen=True)
class RunPageStep:
    """The `number`-th step: its tool calls, or whatever else its `details` tell. `messages` are the run's."""

    record: RunStep
    number: int
    calls: list[DisplayedToolCall]
    details: Any = field(default=None, repr=False)
    messages: Mapping[str, Message] = field(default_factory=dict, repr=False)

    @cached_property
    def parts(self) -> list[TitledPart]:
        """What a step without calls holds, laid out."""
        if self.calls:
            return []
        try:
            return [_own_part(self.details, self.messages)]
        except RecursionError:
            return [TitledPart("step_details", truncated_text.truncate_text(self.record.details or ""))]

    @property
    def anchor(self) -> str:
        """An id for links; a posted one that could be mistaken for another element's is left aside."""
        posted = self.record.external_id
        return posted if _ANCHOR.fullmatch(posted) else f"step-{self.number}"

    @property
    def is_failed(self) -> bool:
        return self.record.status == "failed" or self.record.error_code is not None

    @property
    def title(self) -> str:
        """Its kind, or what it called where that is one thing."""
        if len(self.calls) == 1:
            return self.calls[0].name
        return f"{self.record.type}, {len(self.calls)} in parallel" if self.calls else self.record.type


def build_steps(records: Iterable[RunStep], run: Run, messages: Mapping[str, Message]) -> list[RunPageStep]:
    """The steps of `run`, in order; `messages` by their ids."""
    waits = run.status == "requires_action"
    return [_read(record, number, waits, messages) for number, record in enumerate(records, 1)]


def _read(record: RunStep, number: int, waits: bool, messages: Mapping[str, Message]) -> RunPageStep:
    details = parse_json(record.details) if record.details else None
    posted = as_mapping(details).get("tool_calls")
    awaited = waits and record.status not in TERMINAL_STEP_STATUSES
    found = (
        [tool_call_parts.parse_tool_call(each, is_awaited=awaited) for each in posted]
        if isinstance(posted, list)
        else []
    )
    return RunPageStep(record, number, found, details, messages)


def _own_part(details: Any, messages: Mapping[str, Message]) -> TitledPart:
    """The message that a step made, or a vendor's details as they came."""
    creation = as_mapping(as_mapping(details).get("message_creation"))
    message = messages.get(str(creation.get("message_id")))
    if message is not None:
        return TitledPart("Message", truncated_text.truncate_text(message.text))
    if details is None:
        return TitledPart("step_details", note="step_details: null or not sent")
    return TitledPart("step_details", truncated_text.truncate_json(details))
