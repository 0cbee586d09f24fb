"""`usage`: token counts under whichever of the field's spellings they came."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType

from runs.protocol.fields import Bigint, ProtocolField

# prompt, completion, total, cached and reasoning tokens: the order of the columns
TokenCounts = tuple[int | None, int | None, int | None, int | None, int | None]


class TokenDetails(Struct):
    """Parts of a token count, by OpenAI's servers."""

    cached_tokens: Bigint | None = None
    reasoning_tokens: Bigint | None = None


class Usage(Struct):
    """Token counts. DashScope says input and output; the spelling of the details differs between revisions."""

    prompt_tokens: Bigint | None = None
    completion_tokens: Bigint | None = None
    total_tokens: Bigint | None = None
    input_tokens: Bigint | None = None
    output_tokens: Bigint | None = None
    prompt_token_details: TokenDetails | None = None
    prompt_tokens_details: TokenDetails | None = None
    input_tokens_details: TokenDetails | None = None
    completion_token_details: TokenDetails | None = None
    completion_tokens_details: TokenDetails | None = None
    output_tokens_details: TokenDetails | None = None


def usage_field() -> ProtocolField:
    """`usage`: one column a count, under whichever of the field's spellings it came."""
    return ProtocolField(
        "usage",
        Usage | None,
        ("prompt_tokens", "completion_tokens", "total_tokens", "cached_tokens", "reasoning_tokens"),
        lambda typed, _: _to_counts(typed),
        _usage_object,
        quick=parse_plain_usage,
    )


def _to_counts(posted: Usage) -> TokenCounts:
    prompt = posted.prompt_tokens if posted.prompt_tokens is not None else posted.input_tokens
    completion = posted.completion_tokens if posted.completion_tokens is not None else posted.output_tokens
    inputs = posted.prompt_token_details or posted.prompt_tokens_details or posted.input_tokens_details
    outputs = posted.completion_tokens_details or posted.completion_token_details or posted.output_tokens_details
    return (
        prompt,
        completion,
        posted.total_tokens,
        inputs.cached_tokens if inputs else None,
        outputs.reasoning_tokens if outputs else None,
    )


def _usage_object(prompt: Any, completion: Any, total: Any, cached: Any, reasoning: Any) -> dict[str, Any]:
    written: dict[str, Any] = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": total}
    if cached is not None:
        written["prompt_token_details"] = {"cached_tokens": cached}
    if reasoning is not None:
        written["completion_tokens_details"] = {"reasoning_tokens": reasoning}
    return written


class _PlainCached(Struct, forbid_unknown_fields=True):
    cached_tokens: Bigint


class _PlainReasoning(Struct, forbid_unknown_fields=True):
    reasoning_tokens: Bigint


class PlainUsage(Struct, forbid_unknown_fields=True):
    """`usage` in the spelling that columns give back exactly."""

    prompt_tokens: Bigint
    completion_tokens: Bigint
    total_tokens: Bigint
    prompt_token_details: _PlainCached | UnsetType = UNSET
    completion_tokens_details: _PlainReasoning | UnsetType = UNSET

    def columns(self) -> TokenCounts:
        """The counts in the order of the field's columns."""
        inputs, outputs = self.prompt_token_details, self.completion_tokens_details
        return (
            self.prompt_tokens,
            self.completion_tokens,
            self.total_tokens,
            None if inputs is UNSET else inputs.cached_tokens,
            None if outputs is UNSET else outputs.reasoning_tokens,
        )


_usage_decoder = msgspec.json.Decoder(PlainUsage)


def parse_plain_usage(raw: bytes) -> TokenCounts | None:
    """The counts in a usage that is spelled as columns give it back; None for any other."""
    if b"-0" in raw:
        return None
    try:
        usage = _usage_decoder.decode(raw)
    except msgspec.DecodeError:
        return None
    return usage.columns()
