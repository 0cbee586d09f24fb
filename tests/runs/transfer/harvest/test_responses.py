"""Responses and conversations are fetched by their ids, with their items, and ended ones only once."""

from __future__ import annotations

import json

from runs.models import Conversation, Message, Project, Run
from tests.responses import question, response_object
from tests.runs.transfer.harvest.conftest import MakeHarvest
from tests.runs.transfer.harvest.server import AgentServer


def test_named_responses_are_stored_with_input(
    project: Project, server: AgentServer, make_harvest: MakeHarvest
) -> None:
    server.page_size = 2
    done, running = response_object(), response_object(status="in_progress", output=[], usage=None)
    for response in (done, running):
        server.objects[f"/responses/{response['id']}"] = json.dumps(response).encode()
        items = [question("One?"), question("Two?"), question("Three?")]
        server.lists[f"/responses/{response['id']}/input_items"] = [json.dumps(item).encode() for item in items]
    harvest = make_harvest()
    for _ in harvest.run_named([done["id"], running["id"], "resp_gone"], []):
        pass
    assert harvest.summary.fetched_objects == {"responses": 2, "items": 6}
    assert (harvest.summary.missing_lists, Run.objects.count()) == (1, 2)
    assert harvest.summary.is_complete
    texts = Message.objects.filter(run_external_id=done["id"], role="user").values_list("text", flat=True)
    assert sorted(texts) == ["One?", "Three?", "Two?"]
    assert f"/responses/{done['id']}" in harvest.progress_file
    assert f"/responses/{running['id']}" not in harvest.progress_file


def test_named_conversations_are_stored_with_items(
    project: Project, server: AgentServer, make_harvest: MakeHarvest
) -> None:
    server.objects["/conversations/conv_1"] = b'{"id": "conv_1", "object": "conversation", "created_at": 1}'
    server.lists["/conversations/conv_1/items"] = [json.dumps(question()).encode()]
    harvest = make_harvest()
    for _ in harvest.run_named([], ["conv_1"]):
        pass
    assert harvest.summary.fetched_objects == {"conversations": 1, "items": 1}
    assert Conversation.objects.get().external_id == "conv_1"


def test_unknown_named_objects_make_harvest_incomplete(project: Project, make_harvest: MakeHarvest) -> None:
    harvest = make_harvest()
    for _ in harvest.run_named(["resp_gone"], ["conv_gone"]):
        pass
    assert (harvest.summary.missing_named, harvest.summary.is_complete) == (2, False)


def test_response_without_list_of_items_is_stored(
    project: Project, server: AgentServer, make_harvest: MakeHarvest
) -> None:
    response = response_object()
    server.objects[f"/responses/{response['id']}"] = json.dumps(response).encode()
    harvest = make_harvest()
    for _ in harvest.run_named([response["id"]], []):
        pass
    assert (harvest.summary.missing_lists, harvest.summary.missing_named) == (1, 0)
    assert harvest.summary.fetched_objects == {"responses": 1, "items": 0}
