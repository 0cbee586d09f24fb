"""The fields that Runglass derives from a run: its estimated cost and its error group.

Both depend on more than the run, on prices and on the grouping algorithm. They are derived when a run is written, and
again when prices or the algorithm change (see `runs.enrichment.derived_field_backfill`).
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import NamedTuple, Protocol

from runs.enrichment import error_grouping, pricing
from runs.enrichment.error_grouping import ErrorSignature
from runs.models import ErrorGroup, Project

MAX_SAMPLE_LENGTH = 10_000  # characters of an error group's example message


class RunFields(Protocol):
    """The fields of a run that derived fields depend on."""

    created_at: datetime
    status: str
    model: str | None
    prompt_tokens: int | None
    completion_tokens: int | None
    cached_tokens: int | None
    error_code: str | None
    error_message: str | None
    incomplete_reason: str | None
    pending_functions: list[str] | None


class DerivedFields(NamedTuple):
    """The derived fields of a run.

    `cost` is in nano-dollars, None if the model has no price or the usage is unknown. The error group and its
    signature are None for a run that did not fail.
    """

    cost: int | None
    error_group_id: uuid.UUID | None
    error_signature: ErrorSignature | None


def derive_run_fields(project: Project, run: RunFields) -> DerivedFields:
    """Derive the fields of `run`."""
    cost = pricing.estimate_nano_cost(
        run.model,
        run.created_at.date(),
        run.prompt_tokens,
        run.completion_tokens,
        run.cached_tokens,
        project.prices,
    )
    signature = error_grouping.build_error_signature(
        run.status, run.error_code, run.error_message, run.incomplete_reason, run.pending_functions
    )
    group_id = None if signature is None else error_grouping.make_error_group_id(project.namespace, signature)
    return DerivedFields(cost, group_id, signature)


def derivation_fingerprint(project: Project) -> str:
    """Return a text that changes whenever the derived fields of stored runs must be derived again."""
    return f"{pricing.prices_fingerprint(project.prices)} {error_grouping.GROUPING_VERSION}"


def build_error_group(
    project: Project, group_id: uuid.UUID, signature: ErrorSignature, run: RunFields, received_at: datetime
) -> ErrorGroup:
    """Return a new error group, with the message of `run` as its example."""
    return ErrorGroup(
        id=group_id,
        project=project,
        version=error_grouping.GROUPING_VERSION,
        status=signature.status,
        code=signature.code,
        template=signature.template,
        sample=(run.error_message or "")[:MAX_SAMPLE_LENGTH],
        first_seen_at=received_at,
    )
