"""What a run is without the parts that a share link leaves out.

Nothing is searched for what must not be shown: as soon as a part is left out, only members are kept that are known not
to contain it. A text takes the place of what was there, so that nobody reads that nothing was sent.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from runs.models import ShareLink
from runs.protocol.configuration import CONFIGURATION_FIELD_TYPES
from runs.protocol.lossless_json import dump_json, parse_json
from runs.protocol.run import RUN_FIELDS
from runs.protocol.tool_call_texts import PENDING_CALL_MEMBERS

LEFT_OUT_TEXT = "(left out of this link)"
_KNOWN_MEMBERS = frozenset({"object", *(field.name for field in RUN_FIELDS), *CONFIGURATION_FIELD_TYPES})
_CALL_FACTS = ("id", "type", "name", "server_label", "arguments")
_CALL_INPUTS = ("name", "arguments", "input", "code", "queries", "ranking_options")
# Members of a call with its outputs, each with what takes its place: pages lay them out in different ways.
_CALL_OUTPUTS: Mapping[str, Any] = {
    "output": LEFT_OUT_TEXT,
    "outputs": [{"type": "logs", "logs": LEFT_OUT_TEXT}],
    "results": [{"file_name": LEFT_OUT_TEXT}],
}


def leave_out_of_run(members: Mapping[str, bytes], parts: Collection[str]) -> dict[str, bytes]:
    """Return the members of a posted run without `parts`, and without members that the protocol does not define."""
    if not parts:
        return dict(members)
    kept = {name: raw for name, raw in members.items() if name in _KNOWN_MEMBERS and name not in parts}
    if ShareLink.Part.OUTPUTS in parts:
        kept |= {name: change(kept[name]) for name, change in _OUTPUT_MEMBERS.items() if name in kept}
    return kept


def leave_out_of_step_details(details: Any) -> Any:
    """Return the parsed details of a step without outputs: its calls with their inputs, or its type."""
    if not isinstance(details, dict):
        return None
    calls = details.get("tool_calls")
    if isinstance(calls, list):
        return {"type": details.get("type"), "tool_calls": [_leave_out_of_call(call) for call in calls]}
    return {"type": details.get("type"), "content": LEFT_OUT_TEXT}


def _leave_out_of_call(call: Any) -> dict[str, Any]:
    if not isinstance(call, dict):
        return {}
    kept = _pick(call, _CALL_FACTS)
    kind = call.get("type")
    for name in {"function", kind if isinstance(kind, str) else "function"}:
        if isinstance(call.get(name), dict):
            kept[name] = _pick(call[name], _CALL_INPUTS)
    return kept


def _pick(posted: dict[str, Any], names: Collection[str]) -> dict[str, Any]:
    """Return the members with those names, and texts in place of outputs. No output stays none: it is awaited."""
    outputs = {name: _CALL_OUTPUTS[name] if posted[name] else posted[name] for name in _CALL_OUTPUTS if name in posted}
    return {name: posted[name] for name in names if name in posted} | outputs


def _leave_out_of_error(raw: bytes) -> bytes:
    error = parse_json(raw)
    if not isinstance(error, dict):
        return b"null"
    return dump_json({"code": error.get("code"), "message": LEFT_OUT_TEXT}).encode()


def _leave_out_of_action(raw: bytes) -> bytes:
    action = parse_json(raw)
    if not isinstance(action, dict):
        return b"null"
    kept: dict[str, Any] = {"type": action.get("type")}
    for name in PENDING_CALL_MEMBERS:
        if isinstance(action.get(name), dict):
            calls = action[name].get("tool_calls")
            kept[name] = {"tool_calls": [_leave_out_of_call(call) for call in calls] if isinstance(calls, list) else []}
    return dump_json(kept).encode()


# Members of a run that repeat outputs: errors quote them.
_OUTPUT_MEMBERS = {"last_error": _leave_out_of_error, "required_action": _leave_out_of_action}
