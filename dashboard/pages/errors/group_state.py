"""The state of an error group, and its regression: runs that were created after the group was resolved."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from dashboard.pages.errors.links import build_error_group_term, build_filtered_runs_url
from dashboard.ui import formats
from runs.models import ErrorGroup, Project, Run
from runs.query import RunFilters

STATE_BUTTONS = {
    ErrorGroup.State.OPEN: "Reopen",
    ErrorGroup.State.RESOLVED: "Resolve",
    ErrorGroup.State.IGNORED: "Ignore",
}


@dataclass(frozen=True, slots=True)
class ErrorRegression:
    """The runs of a group that were created after it was resolved."""

    run_count: int
    url: str


def fetch_regression(project: Project, group: ErrorGroup, last_seen: datetime | None) -> ErrorRegression | None:
    """Return the regression of a group; None if it is not resolved, or no run was created since."""
    resolved_at = group.state_changed_at
    is_resolved = group.state == ErrorGroup.State.RESOLVED
    if not is_resolved or resolved_at is None or last_seen is None or last_seen <= resolved_at:
        return None
    since = formats.format_iso_time(resolved_at + timedelta(microseconds=1))
    filters = RunFilters().narrow(f"{build_error_group_term(group)} created:>={since}")
    count = filters.apply(Run.objects.in_project(project)).count()
    return ErrorRegression(count, build_filtered_runs_url(project, filters))


def build_state_buttons(group: ErrorGroup, *, has_regressed: bool) -> list[tuple[str, str]]:
    """Return the states that a group can be set to, with the labels of their buttons."""
    buttons = []
    for state, label in STATE_BUTTONS.items():
        if state.value != group.state:
            buttons.append((state.value, label))
        elif has_regressed:
            buttons.append((state.value, "Resolve again"))
    return buttons
