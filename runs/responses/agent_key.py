"""The metadata key that names the agent of responses: its change, and the runs that have to be derived again for it.

The maintenance process calls `rederive_next_turns`.
"""

from __future__ import annotations

import logging

from django.db import transaction
from django.utils import timezone

from runs.derivation import run_in_derivation_transaction
from runs.errors import InvalidAgentKey, Problem
from runs.ingest.merge import Receipt
from runs.models import Project, Response
from runs.responses.links import lock_threads
from runs.responses.rederivation import RefusedTurns, derive_turns_of

logger = logging.getLogger(__name__)

MAX_TURNS_PER_STEP = 100
MAX_AGENT_KEY_LENGTH = 64  # characters; keys of metadata have no more in OpenAI's API


def change_agent_metadata_key(project: Project, name: str) -> bool:
    """Set the key, and have the runs of all stored responses derived again. Return whether it changed.

    Raises:
        InvalidAgentKey: responses can't have metadata of that name.
    """
    if not 0 < len(name) <= MAX_AGENT_KEY_LENGTH or not name.isprintable():
        message = f"expected 1 to {MAX_AGENT_KEY_LENGTH} printable characters"
        raise InvalidAgentKey(problems=[Problem("agent_metadata_key", message)])
    if name == project.agent_metadata_key:
        return False
    project.agent_metadata_key, project.turns_derived_until = name, ""
    project.save(update_fields=["agent_metadata_key", "turns_derived_until"])
    return True


def rederive_next_turns(project: Project) -> bool:
    """Derive the next runs again after the key has changed, and return whether there are more."""
    if project.turns_derived_until is None:
        return False
    return run_in_derivation_transaction(project, lambda: _rederive_next(project.pk))


def _rederive_next(project_id: int) -> bool:
    # A change of the key waits for this transaction, and begins again.
    project = Project.objects.select_for_update(no_key=True).get(pk=project_id)
    if project.turns_derived_until is None:
        return False
    run_ids = list(Response.objects.run_ids_after(project, project.turns_derived_until)[:MAX_TURNS_PER_STEP])
    responses = Response.objects.of_runs(project, run_ids)
    lock_threads(project, responses.values_list("thread_id", flat=True))
    for run_id in run_ids:
        turn = list(Response.objects.of_runs(project, [run_id]).in_turn_order().only("external_id", "received_key"))
        receipt = Receipt(timezone.now(), turn[-1].received_key_id)
        try:
            with transaction.atomic():
                derive_turns_of(project, [response.external_id for response in turn], receipt)
        except RefusedTurns as error:
            logger.warning("Run %s can't be derived again: %s", run_id, error.problems, extra={"action": "refuse_turn"})
    has_more = len(run_ids) == MAX_TURNS_PER_STEP
    project.turns_derived_until = run_ids[-1] if has_more else None
    project.save(update_fields=["turns_derived_until"])
    return has_more
