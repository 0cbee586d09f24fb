"""The errors of failed runs: codes and message templates, filled with varying numbers, names and request ids."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from runs.demo.ids import make_token, make_uuid


@dataclass(frozen=True, slots=True)
class DemoFailure:
    """An error code with its message templates and its relative frequency."""

    code: str
    weight: int
    messages: tuple[str, ...]


HOSTED = (
    DemoFailure(
        "server_error",
        6,
        (
            "Sorry, something went wrong.",
            "The server had an error while processing your request, id {request}.",
            "Timed out after {seconds} s while waiting for the model (attempt {attempt} of 3).",
            "Upstream connect error: connection reset after {bytes} bytes, request {request}.",
        ),
    ),
    DemoFailure(
        "rate_limit_exceeded",
        4,
        (
            "Rate limit reached for {model}, tokens/min: limit {limit}, used {used}, requested {requested}.",
            "Rate limit reached for {model} on requests per min. Please try again in {millis}ms.",
            "You exceeded your current quota, please check your plan and billing details.",
        ),
    ),
    DemoFailure(
        "invalid_prompt",
        1,
        (
            "Invalid prompt: the prompt was flagged by the usage policy (request {request}).",
            "Invalid prompt: message {attempt} contains an image of unsupported type 'image/{kind}'.",
        ),
    ),
)
AZURE = (
    DemoFailure(
        "tool_user_error",
        4,
        (
            "Tool 'erp' returned HTTP {http} for operation 'getPurchaseOrder' (request {guid}).",
            "Failed to run tool 'ledger': the server closed the stream after {millis} ms.",
            "Index 'invoices-eu' has no field named 'amount_{kind}'. Correlation id: {guid}",
        ),
    ),
    DemoFailure(
        "invalid_engine_error",
        2,
        (
            "Failed to resolve model info for: {model}",
            "Deployment '{model}' is not ready in region '{region}'.",
        ),
    ),
    DemoFailure("rate_limit_exceeded", 2, ("Rate limit is exceeded. Try again in {attempt} seconds.",)),
    DemoFailure("server_error", 1, ("Sorry, something went wrong. Activity id {guid}.",)),
)
DASHSCOPE = (DemoFailure("Throttling.RateQuota", 1, ("Requests rate limit exceeded, please try again later. {guid}",)),)
COMPATIBLE = (
    DemoFailure("upstream_timeout", 2, ("worker {kind}-{attempt} did not answer within {seconds}s",)),
    DemoFailure("server_error", 1, ('CUDA error on "{region}": out of memory, tried to allocate {bytes} bytes',)),
)


def format_failure_message(rng: Random, template: str, model: str) -> str:
    """Return the message of a template with random values filled in."""
    limit = rng.choice((30_000, 200_000, 450_000))
    requested = rng.randrange(400, 9_000)
    return template.format(
        model=model,
        request=f"req_{rng.getrandbits(128):032x}",
        guid=make_uuid(rng),
        limit=limit,
        used=limit - rng.randrange(0, requested),
        requested=requested,
        seconds=rng.randrange(1200, 59_000) / 1000,
        millis=rng.randrange(20, 1900),
        bytes=rng.randrange(200, 4_000_000),
        attempt=rng.randrange(1, 9),
        http=rng.choice((404, 422, 500, 502)),
        kind=make_token(rng, 4).lower(),
        region=rng.choice(("westeurope", "swedencentral", "eastus2")),
    )
