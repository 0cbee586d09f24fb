"""The run of a turn: a pure function of its responses and their inputs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from runs.derivation import DerivedRun
from runs.protocol.configuration import CONFIGURATION_FIELD_TYPES
from runs.protocol.identifiers import find_id_fault
from runs.protocol.lossless_json import convert_json
from runs.protocol.responses.items import APPROVAL_REQUEST, Item, find_open_calls, get_call_id
from runs.protocol.run import RUN_END_TIMESTAMPS, RUN_OBJECT
from runs.responses.turn_messages import build_messages
from runs.responses.turn_response import TurnResponse
from runs.responses.turn_steps import build_steps
from runs.responses.turn_usage import sum_reported_costs, sum_usage

DEFAULT_ASSISTANT_ID = "responses"
CONFIGURATION_NAMES = frozenset(CONFIGURATION_FIELD_TYPES)
# Members that the run has in another form; the responses themselves have them as posted.
_TRANSLATED = frozenset(
    {"id", "object", "created_at", "completed_at", "status", "error", "incomplete_details", "model", "instructions"}
    | {"output", "usage", "tools", "metadata", "thread_id", "assistant_id", "started_at", "failed_at", "cancelled_at"}
    | {"required_action", "last_error", "expires_at", "response_ids", "reported_cost"}
)


@dataclass(frozen=True, slots=True)
class ResponseTurn:
    """The responses of a turn in order, its thread, and the key of the metadata that names the agent."""

    responses: Sequence[TurnResponse]
    thread_id: str
    agent_key: str = "agent"
    run_id: str = field(init=False)

    def __post_init__(self) -> None:
        """Set the id of the run, which is that of the first response."""
        object.__setattr__(self, "run_id", self.responses[0].id)


def derive_turn_run(turn: ResponseTurn) -> DerivedRun:
    """Return the run of a turn with its steps and messages."""
    first, last = turn.responses[0], turn.responses[-1]
    open_calls = find_open_calls(last.output)
    status = _find_run_status(last, is_open=bool(open_calls))
    assistant_id = _find_assistant_id(turn)
    run = {
        "id": turn.run_id,
        "object": RUN_OBJECT,
        "created_at": first.created_at,
        "assistant_id": assistant_id,
        "thread_id": turn.thread_id,
        "status": status,
        "started_at": first.created_at,
        **dict.fromkeys(("expires_at", "cancelled_at", "failed_at", "completed_at")),
        "required_action": build_required_action(open_calls) if status == "requires_action" else None,
        "last_error": _find_last_error(last),
        "incomplete_details": last.members.get("incomplete_details"),
        **_build_configuration(last.members),
        "usage": sum_usage(response.members.get("usage") for response in turn.responses),
        "metadata": last.members.get("metadata") or {},
        "response_ids": [response.id for response in turn.responses],
        **{name: value for name, value in last.members.items() if name not in _TRANSLATED | CONFIGURATION_NAMES},
    }
    if costs := sum_reported_costs(response.members.get("usage") for response in turn.responses):
        run["reported_cost"] = costs
    if end_names := RUN_END_TIMESTAMPS.get(status):
        run[end_names[0] if end_names[0] != "expires_at" else "completed_at"] = last.completed_at
    return DerivedRun(
        run,
        build_steps(turn.run_id, turn.thread_id, assistant_id, turn.responses),
        build_messages(turn.run_id, turn.thread_id, assistant_id, turn.responses),
    )


def _find_run_status(last: TurnResponse, *, is_open: bool) -> str:
    status = last.status or "in_progress"
    return "requires_action" if is_open and status == "completed" else status


def _find_last_error(last: TurnResponse) -> dict[str, Any] | None:
    error = last.members.get("error") or last.stream_error
    if isinstance(error, str):
        return {"code": None, "message": error}
    if not error:
        return None
    code, message = error.get("code"), error.get("message")
    return error | {
        "code": None if code is None else str(code),
        "message": message if isinstance(message, str | None) else str(message),
    }


def _find_assistant_id(turn: ResponseTurn) -> str:
    """Return the name of the agent that the newest response names, if it can be an id."""
    for response in reversed(turn.responses):
        for name in _agent_names(response.members, turn.agent_key):
            if isinstance(name, str) and name and not find_id_fault(name):
                return name
    return DEFAULT_ASSISTANT_ID


def _find_agent_version(members: dict[str, Any]) -> str | None:
    """Return the version of the agent, or of its prompt, that a response names."""
    references = (members.get(name) for name in ("agent_reference", "agent", "prompt"))
    versions = (reference.get("version") for reference in references if isinstance(reference, dict))
    return next((str(version) for version in versions if isinstance(version, str | int) and version != ""), None)


def _agent_names(members: dict[str, Any], agent_key: str) -> Iterable[Any]:
    for member, name in (("agent_reference", "name"), ("agent", "name"), ("prompt", "id"), ("metadata", agent_key)):
        value = members.get(member)
        yield value.get(name) if isinstance(value, dict) else value if member == "agent" else None


def build_required_action(open_calls: Sequence[Item]) -> dict[str, Any]:
    """Return the `required_action` for the calls that the client has to answer."""
    outputs = [_build_pending_call(item) for item in open_calls if item["type"] != APPROVAL_REQUEST]
    approvals = [
        {"type": "mcp", "id": get_call_id(item) or ""}
        | {name: item[name] for name in ("name", "arguments", "server_label") if isinstance(item.get(name), str)}
        for item in open_calls
        if item["type"] == APPROVAL_REQUEST
    ]
    action: dict[str, Any] = {"type": "submit_tool_outputs" if outputs else "submit_tool_approval"}
    if outputs:
        action["submit_tool_outputs"] = {"tool_calls": outputs}
    if approvals:
        action["submit_tool_approval"] = {"tool_calls": approvals}
    return action


def _build_pending_call(item: Item) -> dict[str, Any]:
    call = {"id": get_call_id(item) or "", "type": item["type"].removesuffix("_call")}
    name, arguments = item.get("name"), item.get("arguments", item.get("input"))
    if item["type"] == "function_call":
        arguments = arguments if isinstance(arguments, str) else None
        return call | {"function": {"name": str(name or ""), "arguments": arguments}}
    return call | ({"name": name} if isinstance(name, str) else {})


# Configuration


def _build_configuration(members: dict[str, Any]) -> dict[str, Any]:
    """Return the members that a run keeps as its configuration, in its form."""
    configuration = {
        "model": members.get("model"),
        "instructions": _join_instructions(members.get("instructions")),
        "tools": [_build_tool(tool) for tool in members.get("tools") or []],
    }
    reasoning = members.get("reasoning")
    if isinstance(reasoning, dict) and isinstance(reasoning.get("effort"), str):
        configuration["reasoning_effort"] = reasoning["effort"]
    if version := _find_agent_version(members):
        configuration["agent_version"] = version
    names = CONFIGURATION_NAMES.intersection(members).difference(configuration)
    return configuration | {name: members[name] for name in sorted(names) if _is_valid(name, members[name])}


def _is_valid(name: str, value: Any) -> bool:
    try:
        convert_json(value, CONFIGURATION_FIELD_TYPES[name])
    except msgspec.ValidationError:
        return False
    return True


def _join_instructions(instructions: Any) -> str | None:
    """Return the text of instructions, which are items if they come from a prompt."""
    if not isinstance(instructions, list):
        return instructions if isinstance(instructions, str) else None
    contents = (item.get("content") for item in instructions if isinstance(item, dict))
    parts = [part for content in contents for part in (content if isinstance(content, list) else [content])]
    texts = [part.get("text") if isinstance(part, dict) else part for part in parts]
    return "\n\n".join(text for text in texts if isinstance(text, str))


def _build_tool(tool: dict[str, Any]) -> dict[str, Any]:
    """Return a tool in the form of the Assistants protocol, in which a function has an object of its own."""
    if tool.get("type") != "function" or isinstance(tool.get("function"), dict):
        return {"type": "unknown"} | tool if not isinstance(tool.get("type"), str) else tool
    checks = {"description": str, "parameters": dict, "strict": bool}
    function = {"name": str(tool.get("name") or "")} | {
        name: tool[name] for name, expected in checks.items() if isinstance(tool.get(name), expected)
    }
    return {"type": "function", "function": function}
