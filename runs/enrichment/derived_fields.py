"""What Runglass makes of a run beyond what was posted: an estimate of its cost, and the error group it belongs to.

Both depend on more than the run: on prices and on the algorithm that groups. So they are derived when a run is
written, and anew when those change (see `runs.enrichment.backfill`).
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Protocol

from runs.enrichment import error_grouping, pricing
from runs.enrichment.error_grouping import ErrorSignature
from runs.models import ErrorGroup, Project

MAX_SAMPLE_LENGTH = 10_000


class RunFields(Protocol):
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


def estimate_run_cost(project: Project, run: RunFields) -> int | None:
    """The estimate in nano-dollars; None where the model has no price or the usage is not known."""
    return pricing.estimate_nano_cost(
        run.model,
        run.created_at.date(),
        run.prompt_tokens,
        run.completion_tokens,
        run.cached_tokens,
        project.prices,
    )


def find_error_signature(run: RunFields) -> ErrorSignature | None:
    """The error group; None for a run that did not end badly."""
    return error_grouping.build_error_signature(
        run.status, run.error_code, run.error_message, run.incomplete_reason, run.awaited
    )


def derivation_fingerprint(project: Project) -> str:
    """Changes whenever stored runs have to be assessed anew."""
    return f"{pricing.prices_fingerprint(project.prices)} {error_grouping.GROUPING_VERSION}"


def build_error_group(
    project: Project, key: uuid.UUID, group: ErrorSignature, run: RunFields, received_at: datetime
) -> ErrorGroup:
    """The row of a group that is met first with `run`."""
    return ErrorGroup(
        id=key,
        project=project,
        version=error_grouping.GROUPING_VERSION,
        status=group.status,
        code=group.code,
        template=group.template,
        sample=(run.error_message or "")[:MAX_SAMPLE_LENGTH],
        first_seen_at=received_at,
    )
