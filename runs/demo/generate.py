"""The demo generator: a stream of whole run lifecycles that looks like a team's last month.

Pure and deterministic: the same arguments give the same objects in the same order. Memory does not grow with
the number of runs.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from heapq import merge
from itertools import accumulate
from math import inf
from operator import itemgetter
from random import Random
from typing import Any

from runs.demo.assistants import DemoAssistant, DemoConfiguration
from runs.demo.cast import CAST
from runs.demo.dialects import iterate_states, render_run
from runs.demo.messages import make_messages
from runs.demo.outcomes import NEWEST_OUTCOMES, ScheduledOutcome, draw_outcome, iterate_scheduled_outcomes
from runs.demo.rhythm import DAY, draw_start_times, find_throttled_period
from runs.demo.steps import make_steps
from runs.demo.story import Story, make_story, truncate_story
from runs.demo.threads import DemoThreads

_BY_KEY = {assistant.key: assistant for assistant in CAST}
_SHARES = tuple(accumulate(assistant.share for assistant in CAST))
# The share of runs whose every state was posted, not just the last one.
RECORDED_SHARE = 0.3


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """A run as it stands (`run`), what it said before (`earlier`, oldest first), its steps, its messages.

    Parts that many runs have in common, such as tools, are the same objects in all of them: read only.
    """

    run: dict[str, Any]
    earlier: tuple[dict[str, Any], ...]
    steps: tuple[dict[str, Any], ...]
    messages: tuple[dict[str, Any], ...]


def generate_lifecycles(
    *, runs: int = 3000, days: int = 30, end: int, seed: int = 1, steps: bool = True
) -> Iterator[Lifecycle]:
    """`runs` lifecycles that began in the `days` before `end` (Unix seconds), oldest first.

    Without `steps` there are neither steps nor messages; the runs are the same. Raises ValueError for a
    negative number of runs, no days, or a period that begins before 1970.
    """
    if runs < 0 or days < 1 or end < days * DAY:
        raise ValueError(f"cannot make {runs} runs in {days} days before {end}")
    return _lifecycles(runs, days, end, seed, steps)


def generate_assistants(begun: int) -> Iterator[dict[str, Any]]:
    """The assistants as a server lists them, made at `begun` (Unix seconds), for their names."""
    for each in CAST:
        yield {"id": each.id, "object": "assistant", "created_at": begun, "name": each.name, "metadata": {}}


def _lifecycles(runs: int, days: int, end: int, seed: int, steps: bool) -> Iterator[Lifecycle]:
    detail = Random(f"{seed} details")  # noqa: S311
    for story, recorded in _stories(runs, days, end, seed):
        *past, present = iterate_states(story)
        earlier = tuple(render_run(story, state, last=False) for state in past) if recorded else ()
        run = render_run(story, present, last=True)
        made = make_steps(detail, story) if steps else ()
        yield Lifecycle(run, earlier, made, make_messages(detail, story) if steps else ())


def _stories(runs: int, days: int, end: int, seed: int) -> Iterator[tuple[Story, bool]]:
    """What happens, and whether it was recorded from the start or only once at the end."""
    rng = Random(seed)  # noqa: S311
    start = end - days * DAY
    burst = range(*find_throttled_period(start, days))
    threads = {assistant.key: DemoThreads(assistant.dialect) for assistant in CAST}
    for created, appointment in _schedule(runs, days, end, seed):
        assistant = _BY_KEY[appointment.assistant] if appointment else _pick_assistant(rng)
        configuration = _find_active_configuration(assistant, (created - start) // DAY, days)
        if appointment:
            outcome = appointment.outcome
        else:
            outcome = draw_outcome(rng, configuration, assistant.dialect, throttled=created in burst)
        thread = threads[assistant.key].next(rng, created)
        story = make_story(rng, assistant, configuration, thread, created, outcome)
        truncate_story(story, end)
        thread.free_at = inf if story.ended is None else story.ended
        yield story, rng.random() < RECORDED_SHARE


def _schedule(runs: int, days: int, end: int, seed: int) -> Iterator[tuple[int, ScheduledOutcome | None]]:
    """When runs begin and what is agreed on for them; small demos have fewer of the newest runs."""
    newest = NEWEST_OUTCOMES[max(0, len(NEWEST_OUTCOMES) - runs // 10) :]
    times = draw_start_times(Random(f"{seed} times"), runs - len(newest), end - days * DAY, end)  # noqa: S311
    agreed = iterate_scheduled_outcomes(Random(f"{seed} appointments"))  # noqa: S311
    recent = ((end - age, appointment) for age, appointment in newest)
    return merge(zip(times, agreed, strict=False), recent, key=itemgetter(0))


def _pick_assistant(rng: Random) -> DemoAssistant:
    return CAST[bisect_right(_SHARES, rng.random() * _SHARES[-1])]


def _find_active_configuration(assistant: DemoAssistant, day: int, days: int) -> DemoConfiguration:
    """The configuration of a day; changes are made at the beginning of one."""
    begun = [found for found in assistant.configurations if int(found.since * days) <= day]
    return begun[-1]
