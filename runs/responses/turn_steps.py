"""The steps of a turn: one for each item of the outputs, in order. Outputs of calls belong to the calls."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from runs.protocol.lossless_json import encode_json
from runs.protocol.responses.items import (
    APPROVAL_ANSWER,
    APPROVAL_REQUEST,
    MCP_CALL,
    MCP_LIST,
    MESSAGE,
    Item,
    get_call_id,
    is_call,
    is_client_call,
    is_output,
)
from runs.protocol.step import STEP_OBJECT
from runs.responses.item_ids import make_item_ids
from runs.responses.turn_response import TurnResponse
from runs.responses.turn_usage import convert_usage

# Members of an item that a call in a step has at its top level, or not at all.
_CALL_MEMBERS = frozenset({"id", "type", "status", "call_id", "name"})
_CALL_TYPES = {"custom_tool_call": "custom"}
_ITEM_STATUSES = {"completed": "completed", "failed": "failed", "incomplete": "incomplete"}


def build_steps(
    run_id: str, thread_id: str, assistant_id: str, responses: Sequence[TurnResponse]
) -> list[dict[str, Any]]:
    """Return the steps of a turn. The last one of each response has its usage."""
    outputs = _find_outputs(responses)
    item_ids = make_item_ids(responses)
    steps: list[dict[str, Any]] = []
    for response in responses:
        own = [
            {
                "id": item_ids[response.id, index],
                "object": STEP_OBJECT,
                "created_at": response.created_at,
                "run_id": run_id,
                "assistant_id": assistant_id,
                "thread_id": thread_id,
                **_build_outcome(item, response, outputs, is_last=response is responses[-1]),
                **_build_details(item, item_ids[response.id, index], outputs),
                "usage": None,
                "response_id": response.id,
            }
            for index, item in enumerate(response.output)
            if not (is_output(item) and _is_called(item, outputs))
        ]
        if own:
            own[-1]["usage"] = convert_usage(response.members.get("usage"))
        steps += own
    return steps


def _find_outputs(responses: Sequence[TurnResponse]) -> dict[str, Item | None]:
    """Return the output or approval of each call of the turn by the id of the call, None without one."""
    items = [item for response in responses for item in (*response.new_input, *response.output)]
    answers = {item["call_id"]: item for item in items if is_output(item) and isinstance(item.get("call_id"), str)}
    answers |= {
        item["approval_request_id"]: item
        for item in items
        if item["type"] == APPROVAL_ANSWER and isinstance(item.get("approval_request_id"), str)
    }
    requests = (item for response in responses for item in response.output)
    calls = (get_call_id(item) for item in requests if is_call(item) or item["type"] == APPROVAL_REQUEST)
    return {call_id: answers.get(call_id) for call_id in calls if call_id is not None}


def _is_called(output: Item, outputs: dict[str, Item | None]) -> bool:
    return output.get("call_id") in outputs


def _build_outcome(
    item: Item, response: TurnResponse, outputs: dict[str, Item | None], *, is_last: bool
) -> dict[str, Any]:
    """Return status, end and error of a step. Servers leave the status of an item out, or at that of its beginning."""
    status = _ITEM_STATUSES.get(item.get("status") or "", "")
    if not status and response.status in ("queued", "in_progress", None):
        status = "in_progress"
    elif not status:
        status = "completed" if response.status == "completed" else item.get("status") or "completed"
    # Only after the last response may a call lack its answer: the API continues a turn when the client has answered.
    if status == "completed" and is_last and is_client_call(item):
        status = "completed" if outputs.get(get_call_id(item) or "") else "in_progress"
    error = item.get("error")
    if error:
        status = "failed"
    outcome: dict[str, Any] = {"status": status, "last_error": _build_error(error) if error else None}
    if status in ("completed", "failed"):
        outcome[f"{status}_at"] = response.completed_at
    return outcome


def _build_error(error: Any) -> dict[str, Any]:
    if isinstance(error, dict):
        code, message = error.get("code", error.get("type")), error.get("message", error.get("content"))
        return {
            "code": None if code is None else str(code),
            "message": message if isinstance(message, str | None) else str(message),
        }
    return {"code": None, "message": str(error)}


def _build_details(item: Item, item_id: str, outputs: dict[str, Item | None]) -> dict[str, Any]:
    """Return `type` and `step_details`. Items that are neither messages nor calls keep their type."""
    item_type = item["type"]
    if item_type == MESSAGE:
        details: dict[str, Any] = {"type": "message_creation", "message_creation": {"message_id": item_id}}
    elif is_call(item):
        details = {"type": "tool_calls", "tool_calls": [_build_call(item, outputs.get(get_call_id(item) or ""))]}
    elif item_type == MCP_LIST:
        details = {"type": "activities", "activities": [_build_tool_list(item)]}
    else:
        members = dict(_members_of(item))
        if item_type == APPROVAL_REQUEST and (answer := outputs.get(get_call_id(item) or "")):
            members["answer"] = {name: answer[name] for name in ("approve", "reason") if name in answer}
        details = {"type": item_type, item_type: members}
    return {"type": details["type"], "step_details": details}


def _build_call(item: Item, answer: Item | None) -> dict[str, Any]:
    output = None if answer is None else answer.get("output")
    call: dict[str, Any] = {"id": get_call_id(item)}
    if item["type"] == MCP_CALL:  # flat, as Azure's servers write it
        return call | {"type": "mcp"} | {name: value for name, value in item.items() if name not in ("id", "type")}
    if item["type"] == "function_call":
        function = {"name": item.get("name"), "arguments": _to_text(item.get("arguments")), "output": _to_text(output)}
        return call | {"type": "function", "function": function} | _keep(item, "namespace", "caller")
    call_type = _CALL_TYPES.get(item["type"], item["type"].removesuffix("_call"))
    details = dict(_members_of(item, _CALL_MEMBERS))
    if answer is not None:
        details |= {"output": output if output is not None else dict(_members_of(answer, _CALL_MEMBERS))}
    return call | {"type": call_type} | _keep(item, "name") | {call_type: details}


def _keep(item: Item, *names: str) -> dict[str, Any]:
    return {name: item[name] for name in names if item.get(name) is not None}


def _members_of(
    item: Item, left_out: frozenset[str] = frozenset({"id", "type", "status"})
) -> Iterator[tuple[str, Any]]:
    return ((name, value) for name, value in item.items() if name not in left_out)


def _to_text(value: Any) -> str | None:
    """Return the text of arguments or of an output, whose parts are joined if they are all text."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(part, dict) and isinstance(part.get("text"), str) for part in value):
        return "\n".join(part["text"] for part in value)
    return encode_json(value).decode()


def _build_tool_list(item: Item) -> dict[str, Any]:
    """Return the tools that an MCP server listed, as Azure's servers write them."""
    tools = {
        str(tool.get("name")): {"description": tool.get("description"), "parameters": tool.get("input_schema")}
        for tool in item.get("tools") or []
        if isinstance(tool, dict)
    }
    return {"type": MCP_LIST, "id": item.get("id"), "server_label": item.get("server_label"), "tools": tools}
