"""A run with all that it becomes spans of, and its model calls."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from runs.models import Message, Run, RunStep
from runs.protocol.lossless_json import decode_json

# The steps of the Assistants protocol that a model call makes, each its own one.
_MODEL_STEP_TYPES = frozenset({"message_creation", "tool_calls"})


class TokenCounts(NamedTuple):
    """The tokens of a run or a step; None if a number was not reported."""

    prompt: int | None = None
    completion: int | None = None
    total: int | None = None
    cached: int | None = None
    reasoning: int | None = None


@dataclass(frozen=True, slots=True)
class RunContent:
    """A run with its configuration, its steps in order, what it got (`inputs`) and what it wrote (`outputs`)."""

    run: Run
    project_slug: str
    agent_name: str
    steps: Sequence[RunStep] = ()
    inputs: Sequence[Message] = ()
    outputs: Sequence[Message] = ()


@dataclass(frozen=True, slots=True)
class ModelCall:
    """The steps that one call of a model made. `response_id` is that of the Responses API, None for assistants.

    Messages that no step refers to count as a call of their own, without steps.
    """

    response_id: str | None = None
    steps: list[RunStep] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)


def count_tokens(record: Run | RunStep) -> TokenCounts:
    """Return the tokens that a run or a step reports."""
    return TokenCounts(
        record.prompt_tokens,
        record.completion_tokens,
        record.total_tokens,
        record.cached_tokens,
        record.reasoning_tokens,
    )


def sum_tokens(counts: Iterable[TokenCounts]) -> TokenCounts:
    """Return the sums. A number that nobody reports stays None."""
    columns = zip(*counts, strict=True)
    known = ([count for count in column if count is not None] for column in columns)
    return TokenCounts(*(sum(numbers) if numbers else None for numbers in known))


def collect_run_calls(content: RunContent) -> list[ModelCall]:
    """Return the model calls of a run in order. Steps of one response are of one call."""
    calls: dict[str, ModelCall] = {}
    for step in content.steps:
        response_id = read_extra(step).get("response_id")
        if isinstance(response_id, str):
            calls.setdefault(f"response {response_id}", ModelCall(response_id)).steps.append(step)
        elif step.type in _MODEL_STEP_TYPES:
            calls[f"step {step.external_id}"] = ModelCall(None, [step])
    outputs = {message.external_id: message for message in content.outputs}
    for call in calls.values():
        named = [message_id for step in call.steps if (message_id := get_created_message_id(step)) in outputs]
        call.messages.extend(outputs.pop(message_id) for message_id in dict.fromkeys(named))
    return [*calls.values(), *(ModelCall(messages=[message]) for message in outputs.values())]


def list_other_steps(content: RunContent) -> list[RunStep]:
    """Return the steps that no model call made, such as the listing of a server's tools."""
    return [
        step for step in content.steps if step.type not in _MODEL_STEP_TYPES and "response_id" not in read_extra(step)
    ]


def read_extra(record: Run | RunStep) -> dict[str, Any]:
    """Return the members of a record that its columns can't hold."""
    members: dict[str, Any] = decode_json(record.extra.encode()) if record.extra else {}
    return members


def get_created_message_id(step: RunStep) -> str | None:
    """Return the id of the message that a step created; None if it created none."""
    if step.type != "message_creation" or step.details is None:
        return None
    creation = (decode_json(step.details.encode()) or {}).get("message_creation")
    message_id = creation.get("message_id") if isinstance(creation, dict) else None
    return message_id if isinstance(message_id, str) else None


def read_reasoning(step: RunStep) -> list[str]:
    """Return the texts of a model's reasoning in a step: the summaries, or else the content."""
    if step.type != "reasoning" or step.details is None:
        return []
    reasoning = (decode_json(step.details.encode()) or {}).get("reasoning")
    parts = (reasoning.get("summary") or reasoning.get("content") or []) if isinstance(reasoning, dict) else []
    texts = [part.get("text") for part in parts if isinstance(part, dict)]
    return [text for text in texts if isinstance(text, str)]
