"""The deriving of the runs of turns from the responses that are stored."""

from __future__ import annotations

import json
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence

from django.db.models import Min

from runs.db.updates import update_rows
from runs.derivation import replace_derived_runs
from runs.errors import InvalidObject, Problem, SourceConflict
from runs.ingest.merge import Receipt
from runs.models import ListedItem, Project, Response, RunSource
from runs.models.conversation import make_conversation_key
from runs.protocol.lossless_json import decode_json
from runs.protocol.responses.items import Item, find_new_input, normalize_input
from runs.responses.links import ResponseLink
from runs.responses.turn_response import TurnResponse
from runs.responses.turn_run import ResponseTurn, derive_turn_run
from runs.responses.turns import load_turns

# Items of a conversation that are searched for what the client said before a response.
MAX_INPUT_ITEMS = 200


class RefusedTurns(Exception):
    """Runs of turns are invalid. `problems` has them by the ids of the turn's responses."""

    def __init__(self, problems: Mapping[str, Sequence[Problem]]) -> None:
        self.problems = problems


def derive_turns_of(project: Project, response_ids: Collection[str], receipt: Receipt) -> None:
    """Derive again the runs of the turns that responses belong to, or change as neighbours. Raises RefusedTurns."""
    # 1. Join the responses around the changed ones into turns.
    turns = load_turns(project, response_ids)
    changed = [turn for turn in turns if _is_changed(turn, set(response_ids))]
    run_ids = {turn[0].external_id for turn in turns}
    former_ids = {link.run_external_id for turn in turns for link in turn if link.run_external_id} - run_ids
    moved = {link.external_id: turn[0].external_id for turn in turns for link in turn
             if link.run_external_id != turn[0].external_id}  # fmt: skip

    # 2. Derive the changed ones of their responses.
    derived = [derive_turn_run(turn) for turn in _load_turn_contents(project, changed)]
    aliases = {response_id: run_id for response_id, run_id in moved.items() if response_id != run_id}
    try:
        replace_derived_runs(
            project, RunSource.RESPONSES, derived, former_ids=former_ids, aliases=aliases, receipt=receipt
        )
    except (InvalidObject, SourceConflict) as error:
        raise RefusedTurns(_group_problems(error.problems, turns)) from error

    # 3. Remember where each response belongs.
    run_id_rows = ((project.record_id(response_id), run_id) for response_id, run_id in moved.items())
    update_rows(Response, ["run_external_id"], run_id_rows)


def load_turn_responses(project: Project, run_id: str, limit: int) -> list[TurnResponse]:
    """Return the first responses of the turn that is a run, with their new inputs. Takes two queries or a few more."""
    rows = list(Response.objects.of_runs(project, [run_id]).in_turn_order()[:limit])
    inputs = _load_items(row.pk for row in rows)
    return [_build_turn_response(project, row, inputs.get(row.pk)) for row in rows]


def _is_changed(turn: Sequence[ResponseLink], changed_ids: Collection[str]) -> bool:
    run_id = turn[0].external_id
    return any(link.external_id in changed_ids or link.run_external_id != run_id for link in turn)


def _group_problems(problems: Iterable[Problem], turns: Iterable[Sequence[ResponseLink]]) -> dict[str, list[Problem]]:
    by_run: dict[str | None, list[Problem]] = {}
    for problem in problems:
        by_run.setdefault(problem.id, []).append(problem)
    return {
        link.external_id: by_run[turn[0].external_id] for turn in turns for link in turn
        if turn[0].external_id in by_run
    }  # fmt: skip


def _load_turn_contents(project: Project, turns: Sequence[Sequence[ResponseLink]]) -> list[ResponseTurn]:
    """Return turns with all that their runs are derived of."""
    ids = [link.external_id for turn in turns for link in turn]
    rows = Response.objects.with_external_ids(project, ids).in_bulk()
    by_id = {response.external_id: response for response in rows.values()}
    inputs = _load_items(rows)
    return [
        ResponseTurn(
            [
                _build_turn_response(project, by_id[link.external_id], inputs.get(by_id[link.external_id].pk))
                for link in turn
            ],
            by_id[turn[0].external_id].thread_id,
            project.agent_metadata_key,
        )
        for turn in turns
    ]


def _load_items(owners: Iterable[uuid.UUID]) -> dict[uuid.UUID, list[Item]]:
    """Return the downloaded items of each owner, oldest first."""
    rows = ListedItem.objects.filter(owner__in=list(owners)).order_by("owner", "position")
    items: dict[uuid.UUID, list[Item]] = {}
    for owner, body in rows.values_list("owner", "body"):
        items.setdefault(owner, []).append(decode_json(body.encode()))
    return items


def _build_turn_response(project: Project, response: Response, items: Sequence[Item] | None) -> TurnResponse:
    """Return a response with its new input: as downloaded, else as requested, else as its conversation has it."""
    members = decode_json(response.body.encode())
    if items is None and response.request is not None:
        items = normalize_input(decode_json(response.request.encode()).get("input"))
    elif items is None and response.conversation_id:
        items = _load_items_before(project, response.conversation_id, members.get("output") or [])
    error = None if response.stream_error is None else json.loads(response.stream_error)
    return TurnResponse(members, find_new_input(items or []), error)


def _load_items_before(project: Project, conversation_id: str, output: Sequence[Item]) -> list[Item]:
    """Return the items of a conversation that come before the first of an output, as many as an input may have."""
    items = ListedItem.objects.filter(owner=make_conversation_key(project, conversation_id))
    output_ids = [item["id"] for item in output if isinstance(item.get("id"), str)]
    places = items.filter(external_id__in=output_ids).aggregate(first=Min("position"))
    if places["first"] is None:
        return []
    earlier = items.filter(position__lt=places["first"]).order_by("-position").values_list("body", flat=True)
    return [decode_json(body.encode()) for body in earlier[:MAX_INPUT_ITEMS]][::-1]
