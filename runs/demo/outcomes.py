"""How runs end: by chance most of the time, by appointment for what is rare but has to be seen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from runs.demo.assistants import Configuration, Dialect
from runs.demo.errors import AZURE, COMPATIBLE, DASHSCOPE, HOSTED, Failure

FAILURES = {
    Dialect.HOSTED: HOSTED,
    Dialect.FIRST: HOSTED[:2],
    Dialect.AZURE: AZURE,
    Dialect.DASHSCOPE: DASHSCOPE,
    Dialect.COMPATIBLE: COMPATIBLE,
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """The last status and what it turns on: an error code, a reason, or the kind of action waited for."""

    status: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Appointment:
    """An outcome that a certain assistant's run has to have."""

    outcome: Outcome
    assistant: str


COMPLETED = Outcome("completed")
OUTPUTS, APPROVAL = "submit_tool_outputs", "submit_tool_approval"
WITHOUT_INCOMPLETE = (Dialect.FIRST, Dialect.DASHSCOPE)
UNSTARTED = "unstarted"
UNEXPLAINED = "unexplained"
BLOCK = 1000
EACH_BLOCK = (
    Appointment(Outcome("paused_by_vendor"), "review_tagger"),
    Appointment(Outcome("cancelled"), "sql_analyst"),
    Appointment(Outcome("cancelled", UNSTARTED), "order_concierge"),
    Appointment(Outcome("incomplete", "max_completion_tokens"), "contract_reader"),
    Appointment(Outcome("incomplete", "max_prompt_tokens"), "contract_reader"),
    Appointment(Outcome("incomplete", UNEXPLAINED), "order_concierge"),
    Appointment(Outcome("expired"), "order_concierge"),
    Appointment(Outcome("requires_action", OUTPUTS), "returns_desk"),
    Appointment(Outcome("requires_action", APPROVAL), "invoice_reconciler"),
    Appointment(Outcome("failed", "invalid_prompt"), "fraud_triage"),
    Appointment(Outcome("failed", "server_error"), "help_centre"),
    Appointment(Outcome("failed", "tool_user_error"), "invoice_reconciler"),
    Appointment(Outcome("failed", "invalid_engine_error"), "invoice_reconciler"),
    Appointment(Outcome("failed", "Throttling.RateQuota"), "translation_checker"),
    Appointment(Outcome("failed", "upstream_timeout"), "review_tagger"),
)
# The newest runs, by age in seconds: a team that looks now finds something waiting, working and queued.
NEWEST: tuple[tuple[int, Appointment | None], ...] = (
    (560, Appointment(Outcome("requires_action", OUTPUTS), "returns_desk")),
    (490, Appointment(Outcome("requires_action", APPROVAL), "invoice_reconciler")),
    (410, None),
    (330, Appointment(Outcome("requires_action", OUTPUTS), "order_concierge")),
    (240, None),
    (150, Appointment(Outcome("in_progress"), "contract_reader")),
    (100, Appointment(Outcome("requires_action", OUTPUTS), "fraud_triage")),
    (70, Appointment(Outcome("cancelling"), "onboarding_guide")),
    (52, Appointment(Outcome("in_progress"), "sql_analyst")),
    (31, Appointment(Outcome("in_progress"), "help_centre")),
    (14, Appointment(Outcome("in_progress"), "translation_checker")),
    (9, Appointment(Outcome("in_progress"), "invoice_reconciler")),
    (3, Appointment(Outcome("queued"), "order_concierge")),
    (1, Appointment(Outcome("queued"), "returns_desk")),
    (0, Appointment(Outcome("queued"), "order_concierge")),
)
_RARE = (
    (0.010, Outcome("incomplete", "max_completion_tokens")),
    (0.013, Outcome("incomplete", "max_prompt_tokens")),
    (0.021, Outcome("cancelled")),
    (0.024, Outcome("cancelled", UNSTARTED)),
    (0.030, Outcome("expired")),
    (0.031, Outcome("requires_action", OUTPUTS)),
)


def appointments(rng: Random) -> Iterator[Appointment | None]:
    """What was agreed on for each run in turn, if anything; every block sees each appointment once."""
    while True:
        places = dict(zip(rng.sample(range(BLOCK), len(EACH_BLOCK)), EACH_BLOCK, strict=True))
        yield from (places.get(place) for place in range(BLOCK))


def by_chance(rng: Random, configuration: Configuration, dialect: Dialect, *, throttled: bool) -> Outcome:
    """An outcome for an ordinary run; `throttled` while the hosted API refuses for want of capacity."""
    drawn = rng.random()
    if throttled and dialect is Dialect.HOSTED and drawn < 0.75:
        return Outcome("failed", "rate_limit_exceeded")
    if drawn > 1 - configuration.failure_rate:
        return Outcome("failed")
    chosen = next((outcome for limit, outcome in _RARE if drawn < limit), COMPLETED)
    impossible = (chosen.status == "requires_action" and not configuration.functions) or (
        chosen.status == "incomplete" and dialect in WITHOUT_INCOMPLETE
    )
    return COMPLETED if impossible else chosen


def failure(rng: Random, dialect: Dialect, code: str) -> Failure:
    """The failure with a code, or any of the dialect's by weight."""
    known = FAILURES[dialect]
    for found in known:
        if found.code == code:
            return found
    return rng.choices(known, [each.weight for each in known])[0]
