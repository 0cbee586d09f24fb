"""The tool calls that a run waits for, with their arguments."""

from __future__ import annotations

from dataclasses import dataclass

from dashboard.ui.posted_object import as_mapping
from dashboard.ui.tool_call_parts import DisplayedToolCall, parse_required_action
from runs.models import Run
from runs.protocol.lossless_json import clean_text, dump_json, parse_json

MAX_ARGUMENTS_LENGTH = 600  # in a row


@dataclass(frozen=True, slots=True)
class PendingCall:
    """A tool call whose output or approval the run waits for.

    Attributes:
        id: The id of the call.
        type: The type of the tool.
        name: The name of the tool.
        server: The label of the MCP server; None for other tools.
        arguments: The arguments as posted; None if there are none.
    """

    id: str
    type: str
    name: str
    server: str | None
    arguments: str | None

    @property
    def is_approval(self) -> bool:
        """Return whether the call waits for an approval: only those of MCP servers do."""
        return self.type == "mcp"

    @property
    def truncated_arguments(self) -> str:
        """The beginning of the arguments."""
        text = self.arguments or ""
        return text if len(text) <= MAX_ARGUMENTS_LENGTH else text[:MAX_ARGUMENTS_LENGTH] + "…"


def parse_pending_calls(run: Run) -> list[PendingCall]:
    """Return the calls whose outputs or approvals `run` waits for. Unknown types of actions have none."""
    if run.required_action is None:
        return []
    return [_build_pending_call(call) for call in parse_required_action(parse_json(run.required_action))]


def _build_pending_call(call: DisplayedToolCall) -> PendingCall:
    # Azure posts the arguments of approvals next to the member of the type instead of in it.
    arguments = as_mapping(call.posted.get(call.type)).get("arguments", call.posted.get("arguments"))
    text = arguments if isinstance(arguments, str) or arguments is None else dump_json(arguments)
    return PendingCall(call.id, call.type, call.name, call.server, None if text is None else clean_text(text))
