"""What an assistant is here: who it is, which dialect its server speaks, how it was configured when."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from runs.demo.functions import DemoFunction


class Dialect(StrEnum):
    """Whose spelling of the protocol a server uses."""

    HOSTED = "hosted"
    FIRST = "first revision"
    AZURE = "azure"
    DASHSCOPE = "dashscope"
    COMPATIBLE = "compatible"


@dataclass(frozen=True, slots=True)
class DemoConfiguration:
    """How an assistant is configured from a moment on, and how well it does with that.

    `since` is the share of the whole period that has passed when it comes into force. `fields` go into every
    run as they are, shared between runs: nobody may change them.
    """

    since: float
    fields: dict[str, Any]
    functions: tuple[DemoFunction, ...] = ()
    pace: float = 4.0
    failure_rate: float = 0.028
    misused_tools: float = 0.015

    @property
    def model(self) -> str:
        return str(self.fields["model"])

    @property
    def base_tokens(self) -> int:
        """About what instructions and tools cost in every prompt."""
        return len(self.fields["instructions"]) // 4 + 60 * len(self.fields["tools"])

    @property
    def tool_kinds(self) -> tuple[str, ...]:
        """Kinds of tool to choose from; functions count twice, however many there are."""
        own = tuple(dict.fromkeys(tool["type"] for tool in self.fields["tools"] if tool["type"] != "function"))
        return own + ("function",) * (2 if self.functions else 0)

    def tool(self, kind: str) -> dict[str, Any]:
        """The definition of the first tool of a kind."""
        found: dict[str, Any] = next(tool for tool in self.fields["tools"] if tool["type"] == kind)
        return found


@dataclass(frozen=True, slots=True)
class DemoAssistant:
    """One assistant of the shop. `share` is its part of all runs, in percent."""

    key: str
    id: str
    name: str
    dialect: Dialect
    share: float
    configurations: tuple[DemoConfiguration, ...]
    reasons: bool = False


def make_full_configuration(
    since: float,
    model: str,
    instructions: str,
    tools: tuple[dict[str, Any], ...] = (),
    functions: tuple[DemoFunction, ...] = (),
    *,
    pace: float = 4.0,
    failure_rate: float = 0.028,
    misused_tools: float = 0.015,
    **changes: Any,
) -> DemoConfiguration:
    """A configuration with every field of the second revision; `changes` replaces defaults or adds fields."""
    fields: dict[str, Any] = {
        "model": model,
        "instructions": instructions,
        "tools": [*tools, *(function.tool() for function in functions)],
        "tool_resources": {},
        "temperature": 1.0,
        "top_p": 1.0,
        "reasoning_effort": None,
        "max_prompt_tokens": None,
        "max_completion_tokens": None,
        "truncation_strategy": {"type": "auto", "last_messages": None},
        "tool_choice": "auto",
        "parallel_tool_calls": True,
        "response_format": "auto",
    }
    return DemoConfiguration(since, fields | changes, functions, pace, failure_rate, misused_tools)


def make_minimal_configuration(
    since: float,
    model: str,
    instructions: str,
    tools: tuple[dict[str, Any], ...] = (),
    functions: tuple[DemoFunction, ...] = (),
    **fields: Any,
) -> DemoConfiguration:
    """A configuration of a server that sends few of the fields; `fields` are those beside the usual ones."""
    own = [*tools, *(function.tool() for function in functions)]
    return DemoConfiguration(
        since,
        {"model": model, "instructions": instructions, "tools": own} | fields,
        functions,
        failure_rate=0.03,
    )
