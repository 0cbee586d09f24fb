"""Calls that leave the server: functions whose outputs the client submits, tools that have to be approved."""

from __future__ import annotations

import json
from dataclasses import dataclass
from random import Random
from typing import Any

from runs.demo.assistants import DemoConfiguration
from runs.demo.functions import Arguments, DemoCase, DemoFunction, make_amount, object_schema, string_schema
from runs.demo.ids import make_token

_UNDECLARED = ("get_order_status", "search_web", "functions.lookup_order", "send_email")


@dataclass(frozen=True, slots=True)
class DemoCall:
    """One call as the model made it. `sound` are its arguments, None if nobody could answer it."""

    id: str
    name: str
    arguments: str
    function: DemoFunction | None = None
    sound: Arguments | None = None

    def output(self, rng: Random) -> str:
        """What the client or the approved tool answers; a wrong call gets an error in words."""
        if self.function is None:
            return f"Error: no function named {self.name!r}"
        if self.sound is None:
            return json.dumps({"error": "invalid arguments", "function": self.name})
        answer = self.function.answer(rng, self.sound)
        return answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)


def make_function_calls(rng: Random, configuration: DemoConfiguration, case: DemoCase) -> tuple[DemoCall, ...]:
    """One to three calls of declared functions, a few of them misused."""
    count = 1
    if configuration.fields.get("parallel_tool_calls") and rng.random() < 0.25:
        count += 1 + (rng.random() < 0.4)
    return tuple(_function_call(rng, configuration, case) for _ in range(count))


def _function_call(rng: Random, configuration: DemoConfiguration, case: DemoCase) -> DemoCall:
    function = rng.choice(configuration.functions)
    arguments = function.arguments(rng, case)
    if rng.random() < configuration.misused_tools:
        return _misused(rng, function, arguments)
    written = json.dumps(arguments, ensure_ascii=False)
    return DemoCall(f"call_{make_token(rng)}", function.name, written, function, arguments)


def _misused(rng: Random, function: DemoFunction, arguments: Arguments) -> DemoCall:
    """A call of an undeclared function, one with unreadable arguments, or one that breaks the schema."""
    written = json.dumps(arguments, ensure_ascii=False)
    kind = rng.random()
    if kind < 0.25:
        return DemoCall(f"call_{make_token(rng)}", rng.choice(_UNDECLARED), written)
    if kind < 0.5:
        written = written[: len(written) * 2 // 3]
    elif kind < 0.75:
        written = json.dumps(dict(list(arguments.items())[1:]))
    else:
        written = json.dumps({name: [value] for name, value in arguments.items()})
    return DemoCall(f"call_{make_token(rng)}", function.name, written, function)


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
    """One call of the ledger server, which posts only what somebody approved."""
    arguments = POST_ENTRY.arguments(rng, case)
    return (DemoCall(f"call_{make_token(rng)}", POST_ENTRY.name, json.dumps(arguments), POST_ENTRY, arguments),)


def render_required_action(kind: str, calls: tuple[DemoCall, ...]) -> dict[str, Any]:
    """What a run that waits for these calls asks of its client."""
    if kind == "mcp":
        asked: list[dict[str, Any]] = [
            {
                "id": call.id,
                "type": "mcp",
                "name": call.name,
                "arguments": call.arguments,
                "server_label": "ledger",
            }
            for call in calls
        ]
        return {"type": "submit_tool_approval", "submit_tool_approval": {"tool_calls": asked}}
    asked = [
        {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
        for call in calls
    ]
    return {"type": "submit_tool_outputs", "submit_tool_outputs": {"tool_calls": asked}}
