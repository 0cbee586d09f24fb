"""The outcomes of runs: random for most, scheduled for rare ones that every demo should show."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from runs.demo.assistants import DemoConfiguration, Dialect
from runs.demo.errors import AZURE, COMPATIBLE, DASHSCOPE, HOSTED, DemoFailure

FAILURES = {
    Dialect.HOSTED: HOSTED,
    Dialect.FIRST: HOSTED[:2],
    Dialect.AZURE: AZURE,
    Dialect.DASHSCOPE: DASHSCOPE,
    Dialect.COMPATIBLE: COMPATIBLE,
}


@dataclass(frozen=True, slots=True)
class DemoOutcome:
    """The last status, with an error code, a reason, or the type of the required action."""

    status: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class ScheduledOutcome:
    """An outcome for a run of a certain assistant."""

    outcome: DemoOutcome
    assistant: str


COMPLETED = DemoOutcome("completed")
OUTPUTS, APPROVAL = "submit_tool_outputs", "submit_tool_approval"
WITHOUT_INCOMPLETE = (Dialect.FIRST, Dialect.DASHSCOPE)
UNSTARTED = "unstarted"
UNEXPLAINED = "unexplained"
BLOCK_SIZE = 1000
BLOCK_OUTCOMES = (
    ScheduledOutcome(DemoOutcome("paused_by_vendor"), "review_tagger"),
    ScheduledOutcome(DemoOutcome("cancelled"), "sql_analyst"),
    ScheduledOutcome(DemoOutcome("cancelled", UNSTARTED), "order_concierge"),
    ScheduledOutcome(DemoOutcome("incomplete", "max_completion_tokens"), "contract_reader"),
    ScheduledOutcome(DemoOutcome("incomplete", "max_prompt_tokens"), "contract_reader"),
    ScheduledOutcome(DemoOutcome("incomplete", UNEXPLAINED), "order_concierge"),
    ScheduledOutcome(DemoOutcome("expired"), "order_concierge"),
    ScheduledOutcome(DemoOutcome("requires_action", OUTPUTS), "returns_desk"),
    ScheduledOutcome(DemoOutcome("requires_action", APPROVAL), "invoice_reconciler"),
    ScheduledOutcome(DemoOutcome("failed", "invalid_prompt"), "fraud_triage"),
    ScheduledOutcome(DemoOutcome("failed", "server_error"), "help_centre"),
    ScheduledOutcome(DemoOutcome("failed", "tool_user_error"), "invoice_reconciler"),
    ScheduledOutcome(DemoOutcome("failed", "invalid_engine_error"), "invoice_reconciler"),
    ScheduledOutcome(DemoOutcome("failed", "Throttling.RateQuota"), "translation_checker"),
    ScheduledOutcome(DemoOutcome("failed", "upstream_timeout"), "review_tagger"),
)
# The newest runs by age in seconds, so that some runs are waiting, working and queued when the demo starts.
NEWEST_OUTCOMES: tuple[tuple[int, ScheduledOutcome | None], ...] = (
    (560, ScheduledOutcome(DemoOutcome("requires_action", OUTPUTS), "returns_desk")),
    (490, ScheduledOutcome(DemoOutcome("requires_action", APPROVAL), "invoice_reconciler")),
    (410, None),
    (330, ScheduledOutcome(DemoOutcome("requires_action", OUTPUTS), "order_concierge")),
    (240, None),
    (150, ScheduledOutcome(DemoOutcome("in_progress"), "contract_reader")),
    (100, ScheduledOutcome(DemoOutcome("requires_action", OUTPUTS), "fraud_triage")),
    (70, ScheduledOutcome(DemoOutcome("cancelling"), "onboarding_guide")),
    (52, ScheduledOutcome(DemoOutcome("in_progress"), "sql_analyst")),
    (31, ScheduledOutcome(DemoOutcome("in_progress"), "help_centre")),
    (14, ScheduledOutcome(DemoOutcome("in_progress"), "translation_checker")),
    (9, ScheduledOutcome(DemoOutcome("in_progress"), "invoice_reconciler")),
    (3, ScheduledOutcome(DemoOutcome("queued"), "order_concierge")),
    (1, ScheduledOutcome(DemoOutcome("queued"), "returns_desk")),
    (0, ScheduledOutcome(DemoOutcome("queued"), "order_concierge")),
)
_RARE = (
    (0.010, DemoOutcome("incomplete", "max_completion_tokens")),
    (0.013, DemoOutcome("incomplete", "max_prompt_tokens")),
    (0.021, DemoOutcome("cancelled")),
    (0.024, DemoOutcome("cancelled", UNSTARTED)),
    (0.030, DemoOutcome("expired")),
    (0.031, DemoOutcome("requires_action", OUTPUTS)),
)


def iterate_scheduled_outcomes(rng: Random) -> Iterator[ScheduledOutcome | None]:
    """Yield the scheduled outcome of each run, if any. Every block has each outcome once."""
    while True:
        places = dict(zip(rng.sample(range(BLOCK_SIZE), len(BLOCK_OUTCOMES)), BLOCK_OUTCOMES, strict=True))
        yield from (places.get(place) for place in range(BLOCK_SIZE))


def draw_outcome(rng: Random, configuration: DemoConfiguration, dialect: Dialect, *, throttled: bool) -> DemoOutcome:
    """Return a random outcome. `throttled` is true while the hosted API rejects runs for lack of capacity."""
    drawn = rng.random()
    if throttled and dialect is Dialect.HOSTED and drawn < 0.75:
        return DemoOutcome("failed", "rate_limit_exceeded")
    if drawn > 1 - configuration.failure_rate:
        return DemoOutcome("failed")
    chosen = next((outcome for limit, outcome in _RARE if drawn < limit), COMPLETED)
    impossible = (chosen.status == "requires_action" and not configuration.functions) or (
        chosen.status == "incomplete" and dialect in WITHOUT_INCOMPLETE
    )
    return COMPLETED if impossible else chosen


def draw_failure(rng: Random, dialect: Dialect, code: str) -> DemoFailure:
    """Return the failure with that code, or a random one of the dialect."""
    failures = FAILURES[dialect]
    for failure in failures:
        if failure.code == code:
            return failure
    return rng.choices(failures, [failure.weight for failure in failures])[0]
