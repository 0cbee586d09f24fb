"""The `openai` package for Python reads responses and conversations back with only the base URL changed."""

from __future__ import annotations

import openai
import pytest

from tests.clients.archive import Archive
from tests.clients.conversation import post_conversation


def test_client_reads_responses_and_items(archive: Archive) -> None:
    posted = post_conversation(archive)
    with openai.OpenAI(base_url=f"{archive.url}/v1", api_key=archive.key, max_retries=0) as client:
        assert client.responses.retrieve("resp_read").to_dict(mode="json")["output"] == posted.response["output"]
        newest_first = [item.id for item in client.responses.input_items.list("resp_read")]
        assert newest_first == [item["id"] for item in posted.items[::-1]]
        oldest_first = [item.id for item in client.responses.input_items.list("resp_read", order="asc", limit=7)]
        assert oldest_first == newest_first[::-1]
        assert client.conversations.retrieve("conv_read").created_at == 1_795_000_000
        assert [item.id for item in client.conversations.items.list("conv_read", limit=10)] == newest_first
        item = client.conversations.items.retrieve(posted.items[0]["id"], conversation_id="conv_read")
        assert item.to_dict(mode="json")["content"] == posted.items[0]["content"]
        with pytest.raises(openai.NotFoundError):
            client.responses.retrieve("resp_unknown")
        with pytest.raises(openai.BadRequestError):
            client.responses.retrieve("resp_read", stream=True)
