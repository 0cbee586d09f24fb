"""Items of the Responses API: which calls the client answers, and with what.

Types are those of OpenAI's OpenAPI document 2.3.0, and of servers that were seen to add to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

Item = dict[str, Any]

MESSAGE, REASONING, APPROVAL_REQUEST, APPROVAL_ANSWER = (
    *("message", "reasoning"),
    *("mcp_approval_request", "mcp_approval_response"),
)
MCP_CALL, MCP_LIST = "mcp_call", "mcp_list_tools"
OUTPUT_SUFFIX = "_output"
# Calls that the client always answers.
_CLIENT_CALLS = frozenset(
    {"function_call", "custom_tool_call", "computer_call", "local_shell_call", "apply_patch_call", APPROVAL_REQUEST}
)
# All that the model or its server makes; what is left of an input is the client's.
_ASSISTANT_ROLES = frozenset({"assistant", "model"})


def is_call(item: Item) -> bool:
    """Return whether an item is a call of a tool, a program included. Its output may be an item of its own."""
    item_type: str = item["type"]
    return item_type.endswith("_call") or item_type == "program"


def is_output(item: Item) -> bool:
    """Return whether an item is the output of a call."""
    item_type: str = item["type"]
    return item_type.endswith(OUTPUT_SUFFIX)


def is_client_call(item: Item) -> bool:
    """Return whether the client answers an item: by an output with its call_id, or by an approval."""
    match item["type"]:
        case "shell_call":
            environment = item.get("environment")
            return not isinstance(environment, dict) or environment.get("type") in (None, "local")
        case "tool_search_call":
            return item.get("execution") == "client"
        case item_type:
            return item_type in _CLIENT_CALLS


def get_call_id(item: Item) -> str | None:
    """Return the id of a call, or of the call that an output answers."""
    call_id = item.get("call_id") or item.get("id")
    return call_id if isinstance(call_id, str) else None


def find_answered_ids(items: Iterable[Item]) -> set[str]:
    """Return the ids of the calls and approval requests that `items` answer."""
    answered: set[str] = set()
    for item in items:
        answer_to = item.get("call_id") if is_output(item) else item.get("approval_request_id")
        if isinstance(answer_to, str):
            answered.add(answer_to)
    return answered


def find_open_calls(output: Sequence[Item]) -> list[Item]:
    """Return the items of an output that the client has to answer before the model goes on."""
    calls = [item for item in output if is_client_call(item)]
    answered = find_answered_ids(output) if calls else set()
    return [item for item in calls if get_call_id(item) not in answered]


def find_new_input(items: Sequence[Item]) -> list[Item]:
    """Return the items of an input, oldest first, that come after all that a model made: the client's new part."""
    new: list[Item] = []
    for item in reversed(items):
        if not is_client_item(item):
            break
        new.append(item)
    return new[::-1]


def is_client_item(item: Item) -> bool:
    """Return whether an item of an input was made by the client."""
    if item["type"] == MESSAGE:
        return item.get("role") not in _ASSISTANT_ROLES
    return is_output(item) or item["type"] == APPROVAL_ANSWER


def normalize_input(value: Any) -> list[Item]:
    """Return the items of the `input` of a request: a text is a message, and an item without a type, too."""
    if isinstance(value, str):
        return [{"type": MESSAGE, "role": "user", "content": value}]
    items = value if isinstance(value, list) else []
    return [
        {"type": MESSAGE} | item if not isinstance(item.get("type"), str) else item
        for item in items
        if isinstance(item, dict)
    ]
