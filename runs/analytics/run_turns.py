"""The turns of one run: when it first started, when it waited for tool outputs, and when it went on.

`started_at` moves forward whenever a run continues after tool outputs. So it tells the first start only as long as
there was one turn. Earlier values are in the history, and steps tell of turns that no stored snapshot shows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from runs.analytics.run_steps import StepTotals
from runs.models import PostedObservation, Run, find_observations
from runs.protocol.fields import parse_fields, timestamp_field
from runs.protocol.lossless_json import split_object

MAX_SNAPSHOTS_READ = 200  # newest entries of the history that moved `started_at`
# The type of tools whose outputs a run waits for.
_AWAITED_TOOL_TYPE = "function"
# Servers round the times of runs and of steps in different ways.
ROUNDING = timedelta(seconds=1)
_STARTED_AT = (timestamp_field("started_at"),)


@dataclass(frozen=True, slots=True)
class RunTurns:
    """The known turns of a run.

    `starts` are the known starts of turns, oldest first. `is_first_start_known` tells whether the first of them began
    the run; otherwise earlier turns may precede it. `waits` are the times from a function call to its output, None if
    that is unknown.
    """

    starts: tuple[datetime, ...] = ()
    is_first_start_known: bool = True
    waits: tuple[tuple[datetime, datetime | None], ...] = ()

    @property
    def first_start(self) -> datetime | None:
        """The start of the run, None if it is not known."""
        return self.starts[0] if self.starts and self.is_first_start_known else None


def fetch_run_turns(run: Run, steps: StepTotals, observations: Sequence[PostedObservation] | None = None) -> RunTurns:
    """Return the turns of `run` from its stored history and its steps.

    `observations` are the whole history, `with_moved_start`. Without them, takes one query if there is a history.
    """
    if observations is None or len(observations) != run.history_length:
        observations = _fetch_moves(run) if run.history_length else []
    earlier = [_parse_start(observation.moved_start) for observation in observations if observation.moved_start]
    may_pause = _AWAITED_TOOL_TYPE in run.configuration.tool_types
    return find_run_turns(run, steps, earlier, may_pause=may_pause)


def find_run_turns(
    run: Run, steps: StepTotals, earlier_starts: Iterable[datetime | None] = (), *, may_pause: bool = False
) -> RunTurns:
    """Return the turns of `run`.

    Args:
        run: The run in its newest state.
        steps: The totals of its steps.
        earlier_starts: `started_at` of earlier snapshots, None for one that had not started.
        may_pause: Whether the run has tools whose outputs it would wait for.
    """
    earlier = set(earlier_starts)
    starts = sorted(moment for moment in {run.started_at, *earlier} if moment is not None)
    is_known = None in earlier or len(starts) > 1 or steps.count > 0 or not may_pause
    if steps.first_at is not None and (not starts or steps.first_at + ROUNDING <= starts[0]):
        starts.insert(0, steps.first_at)
    return RunTurns(tuple(starts), is_known, steps.waits)


def _fetch_moves(run: Run) -> list[PostedObservation]:
    moves = find_observations(run).filter(changed__contains=["started_at"]).newest_first()
    return list(moves.for_list()[:MAX_SNAPSHOTS_READ])


def _parse_start(replaced: str) -> datetime | None:
    """Return `started_at` of the members that a post replaced, or that a late post had."""
    start: datetime | None = parse_fields(split_object(replaced.encode()), _STARTED_AT).columns["started_at"]
    return start
