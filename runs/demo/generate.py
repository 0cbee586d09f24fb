"""The demo generator: a stream of run lifecycles that looks like a team's last month.

It is deterministic: the same arguments give the same objects in the same order. Memory does not grow with the number
of runs.
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
# The share of runs that were posted in every state, not only in the last one.
RECORDED_SHARE = 0.3


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """A run in its last state, with its earlier states (oldest first), its steps and its messages.

    Runs share the objects of common parts such as tools, so these must not be changed.
    """

    run: dict[str, Any]
    earlier: tuple[dict[str, Any], ...]
    steps: tuple[dict[str, Any], ...]
    messages: tuple[dict[str, Any], ...]


def generate_lifecycles(
    *, runs: int = 3000, days: int = 30, end: int, seed: int = 1, steps: bool = True
) -> Iterator[Lifecycle]:
    """Yield lifecycles, oldest first.

    Args:
        runs: The number of lifecycles.
        days: The length of the period.
        end: The end of the period in Unix seconds.
        seed: The seed of the random numbers.
        steps: Whether to make steps and messages. The runs do not depend on it.

    Raises:
        ValueError: The number of runs is negative, there are no days, or the period starts before 1970.
    """
    if runs < 0 or days < 1 or end < days * DAY:
        raise ValueError(f"cannot make {runs} runs in {days} days before {end}")
    return _lifecycles(runs, days, end, seed, steps)


def generate_assistants(created_at: int) -> Iterator[dict[str, Any]]:
    """Yield the assistant objects, created at the Unix time `created_at`."""
    for assistant in CAST:
        yield {
            "id": assistant.id,
            "object": "assistant",
            "created_at": created_at,
            "name": assistant.name,
            "metadata": {},
        }


def _lifecycles(runs: int, days: int, end: int, seed: int, steps: bool) -> Iterator[Lifecycle]:
    detail_rng = Random(f"{seed} details")  # noqa: S311
    for story, recorded in _stories(runs, days, end, seed):
        *past, present = iterate_states(story)
        earlier = tuple(render_run(story, state, last=False) for state in past) if recorded else ()
        run = render_run(story, present, last=True)
        made_steps = make_steps(detail_rng, story) if steps else ()
        yield Lifecycle(run, earlier, made_steps, make_messages(detail_rng, story) if steps else ())


def _stories(runs: int, days: int, end: int, seed: int) -> Iterator[tuple[Story, bool]]:
    """Yield the stories, each with whether all of its states were posted."""
    rng = Random(seed)  # noqa: S311
    start = end - days * DAY
    throttled_period = range(*find_throttled_period(start, days))
    threads = {assistant.key: DemoThreads(assistant.dialect) for assistant in CAST}
    for created, scheduled in _schedule(runs, days, end, seed):
        assistant = _BY_KEY[scheduled.assistant] if scheduled else _pick_assistant(rng)
        configuration = _find_active_configuration(assistant, (created - start) // DAY, days)
        if scheduled:
            outcome = scheduled.outcome
        else:
            outcome = draw_outcome(rng, configuration, assistant.dialect, throttled=created in throttled_period)
        thread = threads[assistant.key].next(rng, created)
        story = make_story(rng, assistant, configuration, thread, created, outcome)
        truncate_story(story, end)
        thread.free_at = inf if story.ended is None else story.ended
        yield story, rng.random() < RECORDED_SHARE


def _schedule(runs: int, days: int, end: int, seed: int) -> Iterator[tuple[int, ScheduledOutcome | None]]:
    """Yield when runs start and their scheduled outcome, if any. Small demos have fewer of the newest runs."""
    newest = NEWEST_OUTCOMES[max(0, len(NEWEST_OUTCOMES) - runs // 10) :]
    times = draw_start_times(Random(f"{seed} times"), runs - len(newest), end - days * DAY, end)  # noqa: S311
    outcomes = iterate_scheduled_outcomes(Random(f"{seed} appointments"))  # noqa: S311
    recent = ((end - age, scheduled) for age, scheduled in newest)
    return merge(zip(times, outcomes, strict=False), recent, key=itemgetter(0))


def _pick_assistant(rng: Random) -> DemoAssistant:
    return CAST[bisect_right(_SHARES, rng.random() * _SHARES[-1])]


def _find_active_configuration(assistant: DemoAssistant, day: int, days: int) -> DemoConfiguration:
    """Return the configuration that is active on a day."""
    started = [configuration for configuration in assistant.configurations if int(configuration.since * days) <= day]
    return started[-1]
