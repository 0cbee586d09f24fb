"""The messages of a turn: what the client newly asked, and what the model answered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from runs.protocol.identifiers import find_id_fault
from runs.protocol.message import MESSAGE_OBJECT
from runs.protocol.responses.items import MESSAGE, Item
from runs.responses.item_ids import make_item_ids
from runs.responses.turn_response import TurnResponse

_TEXT_TYPES = frozenset({"output_text", "input_text", "text", "summary_text"})
# Members with the data of a file or image, which stay in the response.
_DATA_MEMBERS = ("file_data", "image_url", "data")
_DATA_URL = "data:"


def build_messages(
    run_id: str, thread_id: str, assistant_id: str, responses: Sequence[TurnResponse]
) -> list[dict[str, Any]]:
    """Return the messages of users, and those of the outputs, in order."""
    item_ids = make_item_ids(responses)
    places = {"object": MESSAGE_OBJECT, "thread_id": thread_id, "run_id": run_id}
    messages: list[dict[str, Any]] = []
    for response in responses:
        for message_id, item in _find_questions(response):
            question = {"assistant_id": None, "role": "user", "content": build_content(item)}
            messages.append({"id": message_id, "created_at": response.created_at} | places | question)
        for index, item in enumerate(response.output):
            if item["type"] == MESSAGE:
                answer = {
                    "id": item_ids[response.id, index],
                    "created_at": response.created_at,
                    "assistant_id": assistant_id,
                    "role": item["role"] if isinstance(item.get("role"), str) and item["role"] else "assistant",
                    "status": item["status"] if isinstance(item.get("status"), str) else None,
                    "completed_at": response.completed_at,
                    "content": build_content(item),
                }
                messages.append(answer | places)
    return messages


def _find_questions(response: TurnResponse) -> Iterator[tuple[str, Item]]:
    for index, item in enumerate(response.new_input):
        if item["type"] == MESSAGE and item.get("role") == "user":
            item_id = item.get("id")
            is_id = isinstance(item_id, str) and not find_id_fault(item_id)
            yield item_id if is_id and item_id else f"{response.id[:200]}:input:{index}", item


def build_content(item: Item) -> list[dict[str, Any]]:
    """Return the parts of a message in the form of the Assistants protocol; unknown parts as they are."""
    content = item.get("content")
    parts = content if isinstance(content, list) else [content] if isinstance(content, str) else []
    return [_build_part({"type": "text", "text": part} if isinstance(part, str) else part) for part in parts
            if isinstance(part, str | dict)]  # fmt: skip


def _build_part(part: dict[str, Any]) -> dict[str, Any]:
    part_type = part.get("type")
    if part_type in _TEXT_TYPES and isinstance(part.get("text"), str):
        return {"type": "text", "text": {"value": part["text"], "annotations": part.get("annotations") or []}}
    if not isinstance(part_type, str):
        part = {**part, "type": "unknown"}
    return {name: _shorten_data(name, value) for name, value in part.items()}


def _shorten_data(name: str, value: Any) -> Any:
    """Return a placeholder with the size of data that a part has inline."""
    if name in _DATA_MEMBERS and isinstance(value, str) and (value.startswith(_DATA_URL) or name == "file_data"):
        media_type = value[len(_DATA_URL) : 100].partition(";")[0] if value.startswith(_DATA_URL) else None
        return {"media_type": media_type, "encoded_bytes": len(value)}
    return value
