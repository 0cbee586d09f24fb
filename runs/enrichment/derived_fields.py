"""What Runglass makes of a run beyond what was posted: an estimate of its cost, and the error group it belongs to.

Both depend on more than the run: on prices and on the algorithm that groups. So they are derived when a run is
written, and anew when those change (see `runs.enrichment.backfill`).
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Protocol

from runs.enrichment import error_grouping, pricing
from runs.enrichment.error_grouping import Group
from runs.models import ErrorGroup, Project

LONGEST_SAMPLE = 10_000


class Assessable(Protocol):
    """What is looked at of a run."""

    created_at: datetime
    status: str
    model: str | None
    prompt_tokens: int | None
    completion_tokens: int | None
    cached_tokens: int | None
    error_code: str | None
    error_message: str | None
    incomplete_reason: str | None
    awaited: list[str] | None


def cost_of(project: Project, run: Assessable) -> int | None:
    """The estimate in nano-dollars; None where the model has no price or the usage is not known."""
    return pricing.cost(
        run.model,
        run.created_at.date(),
        run.prompt_tokens,
        run.completion_tokens,
        run.cached_tokens,
        project.prices,
    )


def group_of(run: Assessable) -> Group | None:
    """The error group; None for a run that did not end badly."""
    return error_grouping.group_of(run.status, run.error_code, run.error_message, run.incomplete_reason, run.awaited)


def fingerprint(project: Project) -> str:
    """Changes whenever stored runs have to be assessed anew."""
    return f"{pricing.fingerprint(project.prices)} {error_grouping.VERSION}"


def new_group(project: Project, key: uuid.UUID, group: Group, run: Assessable, received_at: datetime) -> ErrorGroup:
    """The row of a group that is met first with `run`."""
    return ErrorGroup(
        id=key,
        project=project,
        version=error_grouping.VERSION,
        status=group.status,
        code=group.code,
        template=group.template,
        sample=(run.error_message or "")[:LONGEST_SAMPLE],
        first_seen_at=received_at,
    )
