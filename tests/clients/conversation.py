"""A response in a conversation with more items than a page has, posted to the live server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx

from tests import factories
from tests.clients.archive import Archive
from tests.responses import answer, call, call_output, question, response_object


@dataclass(frozen=True)
class PostedConversation:
    """The posted response, and the items before it, oldest first."""

    response: dict[str, Any]
    items: list[dict[str, Any]]


def post_conversation(archive: Archive) -> PostedConversation:
    """Post a response `resp_read` of the conversation `conv_read`, and the items of both."""
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
    return PostedConversation(response, items)
