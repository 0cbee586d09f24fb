"""The story of a run, independent of a dialect. `dialects` and `steps` render it as a server does."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple

from runs.demo.assistants import DemoAssistant, DemoConfiguration, Dialect
from runs.demo.calls import DemoCall, make_approval_calls, make_function_calls
from runs.demo.errors import format_failure_message
from runs.demo.outcomes import APPROVAL, UNEXPLAINED, UNSTARTED, DemoOutcome, draw_failure
from runs.demo.threads import DemoThread, make_record_id

TERMINAL = frozenset(("completed", "failed", "incomplete", "cancelled", "expired"))
EXPIRES_AFTER = {Dialect.AZURE: 1800}
# The seconds that clients take to answer, on average and at most: programs for outputs, people for approvals.
ANSWER_SECONDS = {"function": (1.5, 8), "mcp": (20, 240)}


class Tokens(NamedTuple):
    """Tokens used by a turn or a run."""

    prompt: int
    completion: int
    cached: int = 0
    reasoning: int = 0


@dataclass(slots=True)
class Turn:
    """A part of a run that makes one step: tools of one type are called, or a message is written.

    `waiting_since` is when the run starts to wait for its client, if it does; `ended` is then when the answer came.
    """

    kind: str
    began: int
    ended: int
    tokens: Tokens
    status: str = "completed"
    calls: tuple[DemoCall, ...] = ()
    waiting_since: int | None = None
    message_id: str = ""


@dataclass(slots=True)
class Story:
    """A run from its start to its current state."""

    id: str
    assistant: DemoAssistant
    configuration: DemoConfiguration
    thread: DemoThread
    created: int
    started: int | None
    status: str
    ended: int | None = None
    turns: list[Turn] = field(default_factory=list)
    tokens: Tokens | None = None
    error: dict[str, str] | None = None
    reason: dict[str, str] | None = None

    @property
    def expiry(self) -> int:
        """The time at which the run expires."""
        return self.created + EXPIRES_AFTER.get(self.assistant.dialect, 600)


def make_story(
    rng: Random,
    assistant: DemoAssistant,
    configuration: DemoConfiguration,
    thread: DemoThread,
    created: int,
    outcome: DemoOutcome,
) -> Story:
    """Return the whole story of a run, up to its end even if that is in the future (see `truncate_story`)."""
    status = outcome.status
    unstarted = status == "queued" or outcome.detail == UNSTARTED
    started = None if unstarted else created + int(rng.random() ** 2 * 4)
    run_id = make_record_id(rng, assistant.dialect, "run")
    story = Story(run_id, assistant, configuration, thread, created, started, status)
    if started is None:
        story.ended = None if status == "queued" else created + rng.randrange(1, 20)
    elif status in ("completed", "incomplete"):
        _add_answer(rng, story, started, outcome)
    elif status == "failed":
        _add_failure(rng, story, started, outcome)
    elif status == "cancelled":
        _add_cancellation(rng, story, started)
    elif status in ("requires_action", "expired"):
        _add_waiting(rng, story, started, outcome)
    else:
        story.turns = [_make_turn(rng, story, _pick_first_kind(configuration), started, "in_progress")]
    return story


def _pick_first_kind(configuration: DemoConfiguration) -> str:
    kinds = configuration.tool_kinds
    return kinds[0] if kinds and kinds[0] not in ("function", "mcp") else "message"


def _make_turn(rng: Random, story: Story, kind: str, began: int, status: str = "completed") -> Turn:
    seconds = min(16, 1 + int(rng.expovariate(1 / story.configuration.pace)))
    fresh = 20 + int(rng.lognormvariate(4.6 if kind == "message" else 3.6, 0.6))
    prompt = story.configuration.base_tokens + 90 + int(rng.random() * 700) + 420 * len(story.turns)
    cached = prompt * 3 // 4 // 128 * 128 if rng.random() < 0.4 else 0
    reasoning = fresh * 2 // 64 * 64 if story.assistant.reasons else 0
    turn = Turn(kind, began, began + seconds, Tokens(prompt, fresh + reasoning, cached, reasoning), status)
    if kind == "function":
        turn.calls, turn.waiting_since = make_function_calls(rng, story.configuration, story.thread.case), turn.ended
    elif kind == "mcp":
        turn.calls, turn.waiting_since = make_approval_calls(rng, story.thread.case), turn.ended
    if turn.waiting_since is not None:
        mean, most = ANSWER_SECONDS[kind]
        turn.ended += min(most, int(rng.expovariate(1 / mean)))
    return turn


def _add_tool_turns(rng: Random, story: Story, began: int) -> int:
    """Add the turns that use tools, and return the time after them."""
    kinds = story.configuration.tool_kinds
    if not kinds:
        return began
    for _ in range(int(rng.random() * 2.2 + rng.random() * 1.4)):
        turn = _make_turn(rng, story, rng.choice(kinds), began)
        story.turns.append(turn)
        began = turn.ended
    return began


def _add_answer(rng: Random, story: Story, started: int, outcome: DemoOutcome) -> None:
    story.turns.append(_make_turn(rng, story, "message", _add_tool_turns(rng, story, started)))
    story.ended = story.turns[-1].ended
    story.tokens = _sum_tokens(story.turns)
    if story.status == "incomplete":
        story.reason = None if outcome.detail == UNEXPLAINED else {"reason": outcome.detail}


def _add_failure(rng: Random, story: Story, started: int, outcome: DemoOutcome) -> None:
    failure = draw_failure(rng, story.assistant.dialect, outcome.detail)
    message = format_failure_message(rng, rng.choice(failure.messages), story.configuration.model)
    story.error = {"code": failure.code, "message": message}
    refused = failure.code in ("invalid_prompt", "invalid_engine_error", "Throttling.RateQuota")
    if refused or rng.random() < 0.3:
        story.ended = started + int(rng.random() * 4)
    else:
        began = _add_tool_turns(rng, story, started)
        kind = "openapi" if failure.code == "tool_user_error" else _pick_first_kind(story.configuration)
        story.turns.append(_make_turn(rng, story, kind, began, "failed"))
        story.ended = story.turns[-1].ended
    story.tokens = _make_partial_usage(rng, story)


def _add_cancellation(rng: Random, story: Story, started: int) -> None:
    began = _add_tool_turns(rng, story, started)
    story.turns.append(_make_turn(rng, story, "message", began, "cancelled"))
    story.ended = story.turns[-1].ended + 1
    story.tokens = _make_partial_usage(rng, story)


def _add_waiting(rng: Random, story: Story, started: int, outcome: DemoOutcome) -> None:
    """Make the run wait for a client that does not answer, until it expires or without end."""
    kind = "mcp" if outcome.detail == APPROVAL else "function" if story.configuration.functions else "message"
    expired = story.status == "expired"
    turn = _make_turn(rng, story, kind, started, "expired" if expired else "in_progress")
    turn.ended = story.expiry
    story.turns = [turn]
    if expired:
        story.ended = story.expiry + int(rng.random() * 3)
        story.tokens = _make_partial_usage(rng, story)


def _sum_tokens(turns: list[Turn]) -> Tokens:
    return Tokens(*(sum(numbers) for numbers in zip(*(turn.tokens for turn in turns), strict=True)))


def _make_partial_usage(rng: Random, story: Story) -> Tokens | None:
    """Return the usage of an unsuccessful run, which differs between servers: none, zero, or the sum."""
    drawn = rng.random()
    if drawn < 0.45:
        return None
    return Tokens(0, 0) if drawn < 0.7 or not story.turns else _sum_tokens(story.turns)


def truncate_story(story: Story, now: int) -> None:
    """Remove what has not happened yet at `now`."""
    if story.status in TERMINAL and story.ended is not None and story.ended <= now:
        return
    if story.ended is not None:
        story.status, story.ended = "in_progress", None
        story.tokens = story.error = story.reason = None
    if story.started is None or story.started > now:
        story.status, story.started, story.turns = "queued", None, []
        return
    story.turns = [turn for turn in story.turns if turn.began <= now]
    last = story.turns[-1] if story.turns else None
    if last is None or (last.status == "completed" and last.ended <= now):
        return
    last.status = "in_progress"
    if last.waiting_since is not None and story.status in ("in_progress", "requires_action"):
        story.status = "requires_action" if last.waiting_since <= now else "in_progress"
