"""The rows of the actions page: what each run waits for, how to answer it, and the time that is left."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from dashboard.pages.actions.pending_calls import PendingCall, parse_pending_calls
from dashboard.pages.actions.submission_snippets import SubmissionSnippet, build_submission_snippets
from dashboard.ui import formats
from dashboard.ui.run_rows import NO_NAMES, build_run_url
from runs.analytics.actions import ActionReason, find_action_reason
from runs.models import Run
from runs.protocol.timestamps import milliseconds_between

# Of one row. The page of the run shows all.
MAX_CALLS = 5


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
        submission: The snippets that answer all calls; none once the run has expired.
        age: The time since the run was created.
        deadline: The time until or since the expiry; "" if there is none.
    """

    run: Run
    url: str
    assistant_name: str | None
    reason: ActionReason
    calls: tuple[PendingCall, ...]
    more_calls: int
    submission: list[SubmissionSnippet]
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
        reason = find_action_reason(run, now)
        rows.append(
            ActionRow(
                run,
                build_run_url(path, run),
                assistant_names.get(run.assistant_id),
                reason,
                tuple(calls[:MAX_CALLS]),
                max(0, len(calls) - MAX_CALLS),
                build_submission_snippets(run, calls) if reason == ActionReason.WAITING else [],
                formats.format_duration(milliseconds_between(run.created_at, now)),
                _format_deadline(run.expires_at, now),
            )
        )
    return rows


def _format_deadline(expires_at: datetime | None, now: datetime) -> str:
    if expires_at is None:
        return ""
    if expires_at < now:
        return f"{formats.format_duration(milliseconds_between(expires_at, now))} ago"
    return f"in {formats.format_duration(milliseconds_between(now, expires_at))}"
