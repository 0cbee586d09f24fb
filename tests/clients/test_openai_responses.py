"""The `openai` package for Python reads responses and conversations back with only the base URL changed."""

from __future__ import annotations

import httpx
import openai
import pytest

from tests import factories
from tests.clients.archive import Archive
from tests.responses import answer, call, call_output, question, response_object


def test_client_reads_responses_and_items(archive: Archive) -> None:
    asked = call()
    response = response_object(asked, answer(), conversation={"id": "conv_read"}, id="resp_read")
    items = [question(f"Question {number}?") for number in range(25)] + [call_output(asked)]
    headers = {"Authorization": f"Bearer {factories.make_key(archive.project)}"}
    for path, body in (
        ("responses", response),
        ("responses/resp_read/input_items", {"object": "list", "data": items[::-1], "has_more": False}),
        ("conversations", {"id": "conv_read", "object": "conversation", "created_at": 1_795_000_000, "metadata": {}}),
        ("conversations/conv_read/items", {"object": "list", "data": items[::-1], "has_more": False}),
    ):
        posted = httpx.post(f"{archive.url}/api/v1/{path}", json=body, headers=headers, timeout=60)
        assert posted.is_success, posted.text

    with openai.OpenAI(base_url=f"{archive.url}/v1", api_key=archive.key, max_retries=0) as client:
        assert client.responses.retrieve("resp_read").to_dict(mode="json")["output"] == response["output"]
        newest_first = [item.id for item in client.responses.input_items.list("resp_read")]
        assert newest_first == [item["id"] for item in items[::-1]]
        oldest_first = [item.id for item in client.responses.input_items.list("resp_read", order="asc", limit=7)]
        assert oldest_first == newest_first[::-1]
        assert client.conversations.retrieve("conv_read").created_at == 1_795_000_000
        assert [item.id for item in client.conversations.items.list("conv_read", limit=10)] == newest_first
        item = client.conversations.items.retrieve(items[0]["id"], conversation_id="conv_read")
        assert item.to_dict(mode="json")["content"] == items[0]["content"]
        with pytest.raises(openai.NotFoundError):
            client.responses.retrieve("resp_unknown")
        with pytest.raises(openai.BadRequestError):
            client.responses.retrieve("resp_read", stream=True)
