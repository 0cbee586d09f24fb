"""The first start of a run, as an expression for queries.

Servers move `started_at` when a run continues after tool outputs. Steps tell of earlier turns. A run without steps had
one turn only if it has no functions whose outputs it would wait for, or if every post that moved `started_at` replaced
null: so the run was seen before it started, and never started again.
"""

from __future__ import annotations

from django.db.models import Case, DateTimeField, Exists, F, Min, OuterRef, Q, When
from django.db.models.functions import Coalesce, Least

from runs.models.configuration import Configuration
from runs.models.observation import Observation
from runs.models.run_step import RunStep

_NOT_STARTED = '"started_at":null'  # in the replaced members of an observation


def find_first_start() -> Case:
    """Return the expression of a run's first start; null if the run has not started or its first start is unknown."""
    steps = RunStep.objects.filter(run=OuterRef("pk")).order_by()
    step_time = Coalesce("posted_created_at", "created_at")
    first_step_at = steps.values("run").annotate(first_at=Min(step_time)).values("first_at")
    has_functions = Configuration.objects.filter(pk=OuterRef("configuration_id"), tool_types__contains=["function"])
    moves = Observation.objects.filter(run=OuterRef("pk"), changed__contains=["started_at"])
    is_known = (
        Exists(steps) | ~Exists(has_functions) | (Exists(moves) & ~Exists(moves.exclude(other__contains=_NOT_STARTED)))
    )
    return Case(
        When(Q(started_at__isnull=False) & is_known, then=Least(F("started_at"), first_step_at)),
        output_field=DateTimeField(),
    )
