"""Spans of traces of agents, in the form in which exporters send them."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from typing import Any

from tests.benchmarks.site import encode_json

SPANS_PER_TRACE = 10


def generate_spans(seed: int, seconds: int = 86_400) -> Iterator[dict[str, Any]]:
    """Yield the spans of traces of one agent each, children first, with the contents of their messages.

    The traces start within the last `seconds`.
    """
    rng = random.Random(seed)
    while True:
        trace_id, start = f"{rng.getrandbits(128) | 1:032x}", (int(time.time()) - rng.randrange(seconds)) * 10**9
        for number in range(SPANS_PER_TRACE, 0, -1):
            operation = "invoke_agent" if number == 1 else ("execute_tool" if number % 3 == 0 else "chat")
            text = f"Question {rng.random()} " * 8
            values = {"gen_ai.operation.name": operation, "gen_ai.agent.name": f"agent-{seed % 20}"}
            values |= {"gen_ai.request.model": "gpt-4o-mini", "gen_ai.input.messages": encode_json(text).decode()}
            span = {
                "traceId": trace_id,
                "spanId": f"{number:016x}",
                "name": operation,
                "startTimeUnixNano": str(start + number * 10**8),
                "endTimeUnixNano": str(start + 10**9 * (20 if number == 1 else 1)),
                "attributes": [{"key": key, "value": {"stringValue": value}} for key, value in values.items()],
            }
            yield span if number == 1 else span | {"parentSpanId": f"{1:016x}"}


def build_export(spans: list[dict[str, Any]]) -> bytes:
    """Return the body of an OTLP export of `spans` of one service, as JSON."""
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "orders"}}]}
    return encode_json({"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": spans}]}]})
