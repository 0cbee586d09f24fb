"""The state of an error group, and the runs that opened it again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from dashboard.pages.errors.links import build_error_group_term, build_filtered_runs_url
from dashboard.ui import formats
from runs.analytics.error_group_states import StateEnd, fetch_state_ends
from runs.models import ErrorGroup, Project, Run
from runs.query import RunFilters
from runs.team.error_groups import describe_ignored_until

STATE_BUTTONS = {
    ErrorGroup.State.OPEN: "Reopen",
    ErrorGroup.State.RESOLVED: "Resolve",
    ErrorGroup.State.IGNORED: "Ignore",
}


@dataclass(frozen=True, slots=True)
class ErrorGroupState:
    """The state of a group as shown to a reader.

    Attributes:
        label: the state that was set, and how long it lasts: `Ignored until 10 more runs`.
        end: the end of that state; None if it lasts.
        run_count: the number of runs since the decision, if the state has ended.
        runs_url: the list of those runs.
    """

    label: str
    end: StateEnd | None
    run_count: int = 0
    runs_url: str = ""

    @property
    def tag(self) -> str:
        """The label of the state in headings; "" for open groups."""
        return self.end.label if self.end else self.label.lower() if self.label != "Open" else ""


def fetch_group_state(project: Project, group: ErrorGroup, now: datetime) -> ErrorGroupState:
    """Return the state of a group; two queries at most."""
    label = group.get_state_display() + (
        describe_ignored_until(group.ignored_until, group.ignored_until_runs, group.ignored_until_at)
        if group.state == ErrorGroup.State.IGNORED
        else ""
    )
    end = fetch_state_ends([group], now).get(group.pk)
    if end is None or group.state_changed_at is None:
        return ErrorGroupState(label, None)
    since = formats.format_iso_time(group.state_changed_at + timedelta(microseconds=1))
    filters = RunFilters().narrow(f"{build_error_group_term(group)} created:>={since}")
    count = filters.apply(Run.objects.in_project(project)).count()
    return ErrorGroupState(label, end, count, build_filtered_runs_url(project, filters))


def build_state_buttons(group: ErrorGroup, *, has_ended: bool) -> list[tuple[str, str]]:
    """Return the states that a group can be set to, with the labels of their buttons."""
    buttons = []
    for state, label in STATE_BUTTONS.items():
        if state.value != group.state:
            buttons.append((state.value, label))
        elif has_ended:
            buttons.append((state.value, f"{label} again"))
    return buttons
