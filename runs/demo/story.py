"""What happens in a run, told once in neutral terms: `dialects` and `steps` spell it as a server would."""

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
# Seconds that clients take to answer, on average and at most: a program with outputs, a person with approval.
PATIENCE = {"function": (1.5, 8), "mcp": (20, 240)}


class Tokens(NamedTuple):
    """Tokens used by a turn or a run."""

    prompt: int
    completion: int
    cached: int = 0
    reasoning: int = 0


@dataclass(slots=True)
class Turn:
    """A stretch of a run in which one step is made: tools of one kind are called, or a message is written.

    `asked` is when the run began to wait for its client, if it did; then `ended` is when the answer came.
    """

    kind: str
    began: int
    ended: int
    tokens: Tokens
    status: str = "completed"
    calls: tuple[DemoCall, ...] = ()
    asked: int | None = None
    message_id: str = ""


@dataclass(slots=True)
class Story:
    """A run from its beginning to where it stands at the moment it is told."""

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
        """When the server gives up on the run."""
        return self.created + EXPIRES_AFTER.get(self.assistant.dialect, 600)


def make_story(
    rng: Random,
    assistant: DemoAssistant,
    configuration: DemoConfiguration,
    thread: DemoThread,
    created: int,
    outcome: DemoOutcome,
) -> Story:
    """The whole story of a run, to its very end even if that lies ahead (see `cut`)."""
    status = outcome.status
    unstarted = status == "queued" or outcome.detail == UNSTARTED
    started = None if unstarted else created + int(rng.random() ** 2 * 4)
    run_id = make_record_id(rng, assistant.dialect, "run")
    story = Story(run_id, assistant, configuration, thread, created, started, status)
    if started is None:
        story.ended = None if status == "queued" else created + rng.randrange(1, 20)
    elif status in ("completed", "incomplete"):
        _answered(rng, story, started, outcome)
    elif status == "failed":
        _failed(rng, story, started, outcome)
    elif status == "cancelled":
        _cancelled(rng, story, started)
    elif status in ("requires_action", "expired"):
        _waiting(rng, story, started, outcome)
    else:
        story.turns = [_turn(rng, story, _first_kind(configuration), started, "in_progress")]
    return story


def _first_kind(configuration: DemoConfiguration) -> str:
    kinds = configuration.tool_kinds
    return kinds[0] if kinds and kinds[0] not in ("function", "mcp") else "message"


def _turn(rng: Random, story: Story, kind: str, began: int, status: str = "completed") -> Turn:
    seconds = min(16, 1 + int(rng.expovariate(1 / story.configuration.pace)))
    fresh = 20 + int(rng.lognormvariate(4.6 if kind == "message" else 3.6, 0.6))
    prompt = story.configuration.base_tokens + 90 + int(rng.random() * 700) + 420 * len(story.turns)
    cached = prompt * 3 // 4 // 128 * 128 if rng.random() < 0.4 else 0
    reasoning = fresh * 2 // 64 * 64 if story.assistant.reasons else 0
    turn = Turn(kind, began, began + seconds, Tokens(prompt, fresh + reasoning, cached, reasoning), status)
    if kind == "function":
        turn.calls, turn.asked = make_function_calls(rng, story.configuration, story.thread.case), turn.ended
    elif kind == "mcp":
        turn.calls, turn.asked = make_approval_calls(rng, story.thread.case), turn.ended
    if turn.asked is not None:
        mean, most = PATIENCE[kind]
        turn.ended += min(most, int(rng.expovariate(1 / mean)))
    return turn


def _work(rng: Random, story: Story, began: int) -> int:
    """Adds the turns in which tools are used, and gives the moment after them."""
    kinds = story.configuration.tool_kinds
    if not kinds:
        return began
    for _ in range(int(rng.random() * 2.2 + rng.random() * 1.4)):
        turn = _turn(rng, story, rng.choice(kinds), began)
        story.turns.append(turn)
        began = turn.ended
    return began


def _answered(rng: Random, story: Story, started: int, outcome: DemoOutcome) -> None:
    story.turns.append(_turn(rng, story, "message", _work(rng, story, started)))
    story.ended = story.turns[-1].ended
    story.tokens = _sum(story.turns)
    if story.status == "incomplete":
        story.reason = None if outcome.detail == UNEXPLAINED else {"reason": outcome.detail}


def _failed(rng: Random, story: Story, started: int, outcome: DemoOutcome) -> None:
    found = draw_failure(rng, story.assistant.dialect, outcome.detail)
    told = format_failure_message(rng, rng.choice(found.messages), story.configuration.model)
    story.error = {"code": found.code, "message": told}
    refused = found.code in ("invalid_prompt", "invalid_engine_error", "Throttling.RateQuota")
    if refused or rng.random() < 0.3:
        story.ended = started + int(rng.random() * 4)
    else:
        began = _work(rng, story, started)
        kind = "openapi" if found.code == "tool_user_error" else _first_kind(story.configuration)
        story.turns.append(_turn(rng, story, kind, began, "failed"))
        story.ended = story.turns[-1].ended
    story.tokens = _spent(rng, story)


def _cancelled(rng: Random, story: Story, started: int) -> None:
    began = _work(rng, story, started)
    story.turns.append(_turn(rng, story, "message", began, "cancelled"))
    story.ended = story.turns[-1].ended + 1
    story.tokens = _spent(rng, story)


def _waiting(rng: Random, story: Story, started: int, outcome: DemoOutcome) -> None:
    """A run whose client does not answer: it waits, for ever or until it expires."""
    kind = "mcp" if outcome.detail == APPROVAL else "function" if story.configuration.functions else "message"
    expired = story.status == "expired"
    turn = _turn(rng, story, kind, started, "expired" if expired else "in_progress")
    turn.ended = story.expiry
    story.turns = [turn]
    if expired:
        story.ended = story.expiry + int(rng.random() * 3)
        story.tokens = _spent(rng, story)


def _sum(turns: list[Turn]) -> Tokens:
    return Tokens(*(sum(numbers) for numbers in zip(*(turn.tokens for turn in turns), strict=True)))


def _spent(rng: Random, story: Story) -> Tokens | None:
    """Servers don't agree on what a run that came to nothing has used."""
    drawn = rng.random()
    if drawn < 0.45:
        return None
    return Tokens(0, 0) if drawn < 0.7 or not story.turns else _sum(story.turns)


def truncate_story(story: Story, now: int) -> None:
    """Forgets what has not happened yet: the run stands as it does at `now`."""
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
    if last.asked is not None and story.status in ("in_progress", "requires_action"):
        story.status = "requires_action" if last.asked <= now else "in_progress"
