"""Tool calls that wait for the client: functions whose output it submits, and tools that it approves."""

from __future__ import annotations

import json
from dataclasses import dataclass
from random import Random
from typing import Any

from runs.demo.assistants import DemoConfiguration
from runs.demo.functions import Arguments, DemoCase, DemoFunction, make_amount, object_schema, string_schema
from runs.demo.ids import make_token

_UNDEFINED_FUNCTIONS = ("get_order_status", "search_web", "functions.lookup_order", "send_email")


@dataclass(frozen=True, slots=True)
class DemoCall:
    """A tool call as the model made it. `valid_arguments` is None if the arguments are invalid."""

    id: str
    name: str
    arguments: str
    function: DemoFunction | None = None
    valid_arguments: Arguments | None = None

    def output(self, rng: Random) -> str:
        """Return the output of the client or the approved tool; an error message for an invalid call."""
        if self.function is None:
            return f"Error: no function named {self.name!r}"
        if self.valid_arguments is None:
            return json.dumps({"error": "invalid arguments", "function": self.name})
        answer = self.function.answer(rng, self.valid_arguments)
        return answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)


def make_function_calls(rng: Random, configuration: DemoConfiguration, case: DemoCase) -> tuple[DemoCall, ...]:
    """Return one to three function calls, a few of them invalid."""
    count = 1
    if configuration.fields.get("parallel_tool_calls") and rng.random() < 0.25:
        count += 1 + (rng.random() < 0.4)
    return tuple(_make_function_call(rng, configuration, case) for _ in range(count))


def _make_function_call(rng: Random, configuration: DemoConfiguration, case: DemoCase) -> DemoCall:
    function = rng.choice(configuration.functions)
    arguments = function.arguments(rng, case)
    if rng.random() < configuration.invalid_call_rate:
        return _make_invalid_call(rng, function, arguments)
    text = json.dumps(arguments, ensure_ascii=False)
    return DemoCall(f"call_{make_token(rng)}", function.name, text, function, arguments)


def _make_invalid_call(rng: Random, function: DemoFunction, arguments: Arguments) -> DemoCall:
    """Return a call of an undefined function, with malformed arguments, or with arguments against the schema."""
    text = json.dumps(arguments, ensure_ascii=False)
    kind = rng.random()
    if kind < 0.25:
        return DemoCall(f"call_{make_token(rng)}", rng.choice(_UNDEFINED_FUNCTIONS), text)
    if kind < 0.5:
        text = text[: len(text) * 2 // 3]
    elif kind < 0.75:
        text = json.dumps(dict(list(arguments.items())[1:]))
    else:
        text = json.dumps({name: [value] for name, value in arguments.items()})
    return DemoCall(f"call_{make_token(rng)}", function.name, text, function)


def _entry_arguments(rng: Random, case: DemoCase) -> Arguments:
    return {
        "invoice": case.invoice,
        "lines": [{"account": str(rng.randrange(3000, 3900)), "amount": make_amount(rng, 20, 4000)}],
        "text": "Goods receipt complete",
    }


POST_ENTRY = DemoFunction(
    "post_entry",
    "Post one entry to the ledger. Needs approval.",
    object_schema(
        {"invoice": string_schema("Invoice number"), "lines": {"type": "array"}, "text": string_schema("Posting text")}
    ),
    _entry_arguments,
    lambda rng, _: {"entry": rng.randrange(10**6, 10**7), "state": "posted"},
)


def make_approval_calls(rng: Random, case: DemoCase) -> tuple[DemoCall, ...]:
    """Return one call of the ledger's MCP server, which needs approval."""
    arguments = POST_ENTRY.arguments(rng, case)
    return (DemoCall(f"call_{make_token(rng)}", POST_ENTRY.name, json.dumps(arguments), POST_ENTRY, arguments),)


def render_required_action(kind: str, calls: tuple[DemoCall, ...]) -> dict[str, Any]:
    """Return the `required_action` of a run that waits for these calls."""
    if kind == "mcp":
        tool_calls: list[dict[str, Any]] = [
            {
                "id": call.id,
                "type": "mcp",
                "name": call.name,
                "arguments": call.arguments,
                "server_label": "ledger",
            }
            for call in calls
        ]
        return {"type": "submit_tool_approval", "submit_tool_approval": {"tool_calls": tool_calls}}
    tool_calls = [
        {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
        for call in calls
    ]
    return {"type": "submit_tool_outputs", "submit_tool_outputs": {"tool_calls": tool_calls}}
