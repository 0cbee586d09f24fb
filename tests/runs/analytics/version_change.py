"""An assistant whose instructions changed at a known time, with metrics that are easy to compute by hand.

Its model costs $2 per million prompt tokens and $10 per million completion tokens.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from runs.models import Project
from tests import factories

ASSISTANT = "asst_returns"
CHANGED = datetime(2026, 5, 10, 9, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
OLD = "You handle returns.\n1. Find the order.\n2. Read the policy.\n3. Offer a label."
NEW = OLD.replace("Read the policy.", "Read the policy of the country.")
PRICES = {"our-own": {"input": "2", "output": "10"}}


def fill(project: Project) -> None:
    """Post eight runs before the change, one per hour, and four after it; the old ones are received last."""
    Project.objects.filter(pk=project.pk).update(prices=PRICES)
    project.refresh_from_db()
    assert not factories.post(project, *after()).errors
    assert not factories.post(project, *before()).errors
    first, second = before()[:2]
    factories.post_steps(
        project,
        factories.step_object(first, factories.function_call("a"), factories.function_call("b"), id="step_1"),
        factories.step_object(second, factories.function_call("a"), id="step_2"),
        factories.step_object(second, id="step_3"),
    )


def before() -> list[dict[str, Any]]:
    """Return runs of 10, 20, … 80 s: the third is incomplete, the last failed without usage, the others completed."""
    posted = [run(f"run_old_{n}", CHANGED - (9 - n) * HOUR, 10 * n, OLD, 100 * n, 10 * n) for n in range(1, 9)]
    posted[2] |= {"status": "incomplete", "incomplete_details": {"reason": "max_completion_tokens"}}
    posted[7] |= failed(posted[7])
    return posted


def after() -> list[dict[str, Any]]:
    """Return runs of 20, 40, 60 and 100 s: the second and the last failed without usage."""
    seconds = (20, 40, 60, 100)
    posted = [run(f"run_new_{n}", CHANGED + (n - 1) * HOUR, seconds[n - 1], NEW, 500 * n, 20 * n) for n in range(1, 5)]
    for item in (posted[1], posted[3]):
        item |= failed(item)
    return posted


def run(name: str, at: datetime, seconds: int, instructions: str, prompt: int, completion: int, **changes: Any) -> Any:
    """Return a completed run of the assistant, created at that time."""
    created = int(at.timestamp())
    usage = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
    return factories.run_object(
        **{
            "id": name,
            "assistant_id": ASSISTANT,
            "created_at": created,
            "started_at": created,
            "completed_at": created + seconds,
            "instructions": instructions,
            "model": "our-own",
            "usage": usage,
        }
        | changes
    )


def failed(posted: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that make a completed run a failed one."""
    error = {"code": "rate_limit_exceeded", "message": "Rate limit reached."}
    return {
        "status": "failed",
        "failed_at": posted["completed_at"],
        "completed_at": None,
        "usage": None,
        "last_error": error,
    }
