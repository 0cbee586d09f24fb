"""The rows of the actions page: the pending calls of a run with their arguments, and the time that is left."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from dashboard.ui import formats
from dashboard.ui.posted_object import as_mapping
from dashboard.ui.run_rows import NO_NAMES, build_run_url
from dashboard.ui.tool_call_parts import DisplayedToolCall, parse_required_action
from runs.analytics.actions import ActionReason, find_action_reason
from runs.models import Run
from runs.protocol.lossless_json import clean_text, dump_json, parse_json
from runs.protocol.timestamps import milliseconds_between

# Limits of one row. The page of the run shows everything.
MAX_CALLS = 5
MAX_ARGUMENTS_LENGTH = 600


@dataclass(frozen=True, slots=True)
class PendingCall:
    """A tool call whose output or approval the run waits for.

    Attributes:
        id: The id of the call.
        type: The type of the tool.
        name: The name of the tool.
        server: The label of the MCP server; None for other tools.
        arguments: The arguments as posted; None if there are none.
    """

    id: str
    type: str
    name: str
    server: str | None
    arguments: str | None

    @property
    def truncated_arguments(self) -> str:
        """The beginning of the arguments."""
        text = self.arguments or ""
        return text if len(text) <= MAX_ARGUMENTS_LENGTH else text[:MAX_ARGUMENTS_LENGTH] + "…"


@dataclass(frozen=True, slots=True)
class ActionRow:
    """A run that needs action, with the texts of its row.

    Attributes:
        run: The run. Templates read exact values from it.
        url: The URL of the run's page.
        assistant_name: The name of the assistant; None if it has none.
        reason: The reason why the run is listed.
        calls: The first pending calls.
        more_calls: The number of other pending calls.
        age: The time since the run was created.
        deadline: The time until or since the expiry; "" if there is none.
    """

    run: Run
    url: str
    assistant_name: str | None
    reason: ActionReason
    calls: tuple[PendingCall, ...]
    more_calls: int
    age: str
    deadline: str

    @property
    def is_approval(self) -> bool:
        """Return whether the run waits for approvals rather than outputs."""
        return self.run.action_type == "submit_tool_approval"


def build_action_rows(
    runs: Iterable[Run], path: str, now: datetime, assistant_names: Mapping[str, str] = NO_NAMES
) -> list[ActionRow]:
    """Return the rows of `runs`.

    Args:
        runs: The runs, with their `required_action`.
        path: The path of the run list.
        now: The time that ages and deadlines refer to.
        assistant_names: Names of assistants by id.
    """
    rows = []
    for run in runs:
        calls = parse_pending_calls(run) if run.status == Run.Status.REQUIRES_ACTION else []
        rows.append(
            ActionRow(
                run,
                build_run_url(path, run),
                assistant_names.get(run.assistant_id),
                find_action_reason(run, now),
                tuple(calls[:MAX_CALLS]),
                max(0, len(calls) - MAX_CALLS),
                formats.format_duration(milliseconds_between(run.created_at, now)),
                _format_deadline(run.expires_at, now),
            )
        )
    return rows


def parse_pending_calls(run: Run) -> list[PendingCall]:
    """Return the calls whose outputs or approvals `run` waits for. Unknown types of actions have none."""
    if run.required_action is None:
        return []
    return [_build_pending_call(call) for call in parse_required_action(parse_json(run.required_action))]


def _build_pending_call(call: DisplayedToolCall) -> PendingCall:
    # Azure posts the arguments of approvals next to the member of the type instead of in it.
    arguments = as_mapping(call.posted.get(call.type)).get("arguments", call.posted.get("arguments"))
    text = arguments if isinstance(arguments, str) or arguments is None else dump_json(arguments)
    return PendingCall(call.id, call.type, call.name, call.server, None if text is None else clean_text(text))


def _format_deadline(expires_at: datetime | None, now: datetime) -> str:
    if expires_at is None:
        return ""
    if expires_at < now:
        return f"{formats.format_duration(milliseconds_between(expires_at, now))} ago"
    return f"in {formats.format_duration(milliseconds_between(now, expires_at))}"
