"""The rows of the actions page: for whom a run waits, with what arguments, and how much time is left."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dashboard.ui import formats, tool_call_parts
from dashboard.ui.posted_object import as_mapping
from dashboard.ui.run_rows import NO_NAMES, build_run_url
from dashboard.ui.tool_call_parts import DisplayedToolCall
from runs.analytics.actions import ActionReason, find_action_reason
from runs.models import Run
from runs.protocol.lossless_json import clean_text, dump_json, parse_json
from runs.protocol.timestamps import milliseconds_between

# Of one run. The others, and all of long arguments, are on its page.
MAX_CALLS = 5
MAX_ARGUMENTS_LENGTH = 600
_ACTIONS = ("submit_tool_outputs", "submit_tool_approval")


@dataclass(frozen=True, slots=True)
class PendingCall:
    """A call that is waited for; `arguments` as they were posted, None where there are none."""

    id: str
    type: str
    name: str
    server: str | None
    arguments: str | None

    @property
    def excerpt(self) -> str:
        """The beginning of the arguments."""
        text = self.arguments or ""
        return text if len(text) <= MAX_ARGUMENTS_LENGTH else text[:MAX_ARGUMENTS_LENGTH] + "…"


@dataclass(frozen=True, slots=True)
class ActionRow:
    """A run that needs somebody; what is exact is in `run`, what had to be worded is here."""

    run: Run
    url: str
    assistant: str | None  # its name, where it has one
    need: ActionReason
    calls: tuple[PendingCall, ...]
    more_calls: int
    age: str
    deadline: str

    @property
    def is_approval(self) -> bool:
        return self.run.action_type == "submit_tool_approval"


def build_action_rows(
    runs: Iterable[Run], path: str, now: datetime, names: Mapping[str, str] = NO_NAMES
) -> list[ActionRow]:
    """The rows of `runs`, which are listed below the run list at `path`; `names` are those of assistants by id."""
    return [_row(run, path, now, names.get(run.assistant_id)) for run in runs]


def parse_pending_calls(run: Run) -> list[PendingCall]:
    """The calls that `run` waits for, outputs and approvals alike; none of an action that has other words."""
    if run.required_action is None:
        return []
    action = as_mapping(parse_json(run.required_action))
    found = [as_mapping(action.get(kind)).get("tool_calls") for kind in _ACTIONS]
    posted = [each for some in found if isinstance(some, list) for each in some]
    return [_awaited(each, tool_call_parts.parse_tool_call(each, is_awaited=True)) for each in posted]


def _awaited(posted: Any, call: DisplayedToolCall) -> PendingCall:
    """Azure's approvals are flat: they hold arguments themselves."""
    arguments = as_mapping(as_mapping(posted).get(call.type)).get("arguments", as_mapping(posted).get("arguments"))
    text = arguments if isinstance(arguments, str) or arguments is None else dump_json(arguments)
    return PendingCall(call.id, call.type, call.name, call.server, None if text is None else clean_text(text))


def _row(run: Run, path: str, now: datetime, assistant: str | None) -> ActionRow:
    found = parse_pending_calls(run) if run.status == Run.Status.REQUIRES_ACTION else []
    return ActionRow(
        run,
        build_run_url(path, run),
        assistant,
        find_action_reason(run, now),
        tuple(found[:MAX_CALLS]),
        max(0, len(found) - MAX_CALLS),
        formats.format_duration(milliseconds_between(run.created_at, now)),
        _deadline(run.expires_at, now),
    )


def _deadline(expires_at: datetime | None, now: datetime) -> str:
    """The time that is left, or how long it has been over."""
    if expires_at is None:
        return ""
    if expires_at < now:
        return f"{formats.format_duration(milliseconds_between(expires_at, now), spelled=True)} ago"
    return f"in {formats.format_duration(milliseconds_between(now, expires_at), spelled=True)}"
