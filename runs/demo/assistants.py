"""The types of the demo's assistants: identity, dialect of the server, configurations over time."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from runs.demo.functions import DemoFunction


class Dialect(StrEnum):
    """The variant of the protocol that a server speaks."""

    HOSTED = "hosted"
    FIRST = "first revision"
    AZURE = "azure"
    DASHSCOPE = "dashscope"
    COMPATIBLE = "compatible"


@dataclass(frozen=True, slots=True)
class DemoConfiguration:
    """A configuration of an assistant, and how well the assistant performs with it.

    Attributes:
        since: The share of the whole period that has passed when the configuration takes effect.
        fields: Fields of every run. The objects are shared between runs and must not be changed.
        functions: The functions that the assistant may call.
        pace: The mean duration of a turn in seconds.
        failure_rate: The share of runs that fail.
        invalid_call_rate: The share of function calls that are invalid.
    """

    since: float
    fields: dict[str, Any]
    functions: tuple[DemoFunction, ...] = ()
    pace: float = 4.0
    failure_rate: float = 0.028
    invalid_call_rate: float = 0.015

    @property
    def model(self) -> str:
        """The model that runs of this configuration name."""
        return str(self.fields["model"])

    @property
    def base_tokens(self) -> int:
        """About the number of tokens that instructions and tools add to every prompt."""
        return len(self.fields["instructions"]) // 4 + 60 * len(self.fields["tools"])

    @property
    def tool_kinds(self) -> tuple[str, ...]:
        """The tool types to choose from. `function` counts twice, independent of the number of functions."""
        own = tuple(dict.fromkeys(tool["type"] for tool in self.fields["tools"] if tool["type"] != "function"))
        return own + ("function",) * (2 if self.functions else 0)

    def tool(self, kind: str) -> dict[str, Any]:
        """Return the definition of the first tool of a type."""
        definition: dict[str, Any] = next(tool for tool in self.fields["tools"] if tool["type"] == kind)
        return definition


@dataclass(frozen=True, slots=True)
class DemoAssistant:
    """An assistant of the imaginary shop. `share` is its share of all runs in percent."""

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
    invalid_call_rate: float = 0.015,
    **changes: Any,
) -> DemoConfiguration:
    """Return a configuration with every field of the second revision; `changes` replace defaults or add fields."""
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
    return DemoConfiguration(since, fields | changes, functions, pace, failure_rate, invalid_call_rate)


def make_minimal_configuration(
    since: float,
    model: str,
    instructions: str,
    tools: tuple[dict[str, Any], ...] = (),
    functions: tuple[DemoFunction, ...] = (),
    **fields: Any,
) -> DemoConfiguration:
    """Return a configuration for a server that sends few fields; `fields` are added to the common ones."""
    own = [*tools, *(function.tool() for function in functions)]
    return DemoConfiguration(
        since,
        {"model": model, "instructions": instructions, "tools": own} | fields,
        functions,
        failure_rate=0.03,
    )
