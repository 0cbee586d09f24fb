"""Strategies for protocol objects as JSON: every field in every valid form, and unknown fields.

They return text, not Python values, since the form of numbers and strings must round-trip.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

Text = st.SearchStrategy[str]


class Number(NamedTuple):
    """A number as it was written."""

    text: str


def as_written(raw: str | bytes) -> Any:
    """Parse JSON so that numbers keep their form, independently of the product."""
    return json.loads(raw, parse_float=Number, parse_int=Number)


def examples(count: int) -> settings:
    """Return settings for a property: `count` examples, on any machine; fixtures may be shared."""
    checks = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
    return settings(max_examples=count, deadline=None, suppress_health_check=checks)


_UNUSUAL_PIECES = (
    *(r"\u0000", r"\ud800", r"\udfff", r"\ud83d\ude00", r"\u00e9", r"\"", r"\\", r"\/", r"\n", r"\u2028"),
    *("😀", "👩‍👩‍👧", "漢字", "かな", "שלום", "مرحبا", "\u202e", "\ufeff", "\x7f", "'", "-0", "{", "]", ","),
)
_plain_characters = st.characters(exclude_categories=["Cs"], exclude_characters='"\\', min_codepoint=32)
_pieces = st.one_of(_plain_characters, st.sampled_from(_UNUSUAL_PIECES))

strings: Text = st.lists(_pieces, max_size=8).map(lambda pieces: '"' + "".join(pieces) + '"')
words: Text = st.one_of(strings, st.sampled_from(['"gpt-4o"', '"auto"', '""', '"' + "long " * 80 + '"']))
names: Text = words.filter(lambda written: written != '""')
numbers: Text = st.one_of(
    st.integers().map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.sampled_from(["-0", "-0.0", "1", "1.0", "1.00", "1e2", "1E+2", "1e400", "-1e-400", "123456789" * 5, "9" * 4500]),
)
bigints: Text = st.one_of(
    st.integers(0, 5000).map(str),
    st.integers(-(2**63), 2**63 - 1).map(str),
    st.sampled_from(["-0", "0", str(2**63 - 1), str(-(2**63))]),
)
timestamps: Text = st.one_of(
    st.integers(1_700_000_000, 1_800_000_000).map(str),
    st.integers(1_700_000_000_000, 1_800_000_000_000).map(str),
    st.integers(0, 2**63 - 1).map(str),
    st.sampled_from(["0", "-0", str(10**11), str(10**14), str(10**17), str(2**63 - 1)]),
)
booleans: Text = st.sampled_from(["true", "false"])
identifiers: Text = st.builds(
    lambda name, ascii_only: json.dumps(name, ensure_ascii=ascii_only),
    st.text(
        st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"], exclude_characters="/"), min_size=1, max_size=256
    ).filter(lambda name: name == name.strip() and name not in (".", "..")),
    st.booleans(),
)
optional_identifiers: Text = st.one_of(st.sampled_from(["null", '""']), identifiers)
_gaps = st.sampled_from(["", "", "", " ", "\n\t"])


def nullable(values: Text) -> Text:
    """Return a strategy for `values` or null."""
    return st.one_of(st.just("null"), values)


def lists(elements: Text, max_size: int = 3) -> Text:
    """Return a strategy for arrays."""
    return st.lists(elements, max_size=max_size).map(lambda items: "[" + ",".join(items) + "]")


@st.composite
def _free_objects(draw: st.DrawFn, values: Text) -> str:
    return _join(draw(st.lists(st.tuples(strings, values), max_size=3, unique_by=_name)), draw(_gaps))


def _name(member: tuple[str, str]) -> Any:
    return json.loads(member[0])


def _join(members: list[tuple[str, str]], gap: str) -> str:
    return "{" + gap + f",{gap}".join(f"{name}{gap}:{gap}{value}" for name, value in members) + gap + "}"


scalars: Text = st.one_of(st.just("null"), booleans, numbers, strings)
values: Text = st.recursive(scalars, lambda inner: st.one_of(lists(inner), _free_objects(inner)), max_leaves=6)
free_objects: Text = _free_objects(values)


@st.composite
def objects(draw: st.DrawFn, required: Mapping[str, Text], optional: Mapping[str, Text]) -> str:
    """Return objects with the known members in any order, and perhaps some unknown ones."""
    known = draw(st.fixed_dictionaries(dict(required), optional=dict(optional)))
    unknown = draw(st.lists(st.tuples(strings, values), max_size=2, unique_by=_name))
    members = [(json.dumps(name), value) for name, value in known.items()]
    members += [member for member in unknown if _name(member) not in {*required, *optional}]
    if draw(st.booleans()):
        members.reverse()
    return _join(members, draw(_gaps))


_arguments = nullable(words)
_function_call = objects({"name": words}, {"arguments": _arguments})
_awaited_call = objects(
    {"id": words},
    {"type": nullable(words), "function": nullable(_function_call), "name": nullable(words)}
    | {"arguments": _arguments, "server_label": nullable(words)},
)
_awaited_calls = objects({"tool_calls": lists(_awaited_call)}, {})
required_actions = st.one_of(
    objects({"type": st.just('"submit_tool_outputs"'), "submit_tool_outputs": _awaited_calls}, {}),
    objects({"type": st.just('"submit_tool_approval"'), "submit_tool_approval": _awaited_calls}, {}),
    objects({"type": words}, {"submit_tool_outputs": st.just("null")}),
)
last_errors = st.one_of(
    st.just('{"code":"server_error","message":"Sorry."}'),
    objects({}, {"code": nullable(words), "message": nullable(words)}),
    st.just('{"code":null,"message":null}'),
)
_details = nullable(objects({}, {"cached_tokens": nullable(bigints), "reasoning_tokens": nullable(bigints)}))
usages = st.one_of(
    st.just('{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}'),
    st.just('{"prompt_tokens":null,"completion_tokens":null,"total_tokens":null}'),
    objects(
        {},
        dict.fromkeys(
            ("prompt_tokens", "completion_tokens", "total_tokens", "input_tokens", "output_tokens"),
            nullable(bigints),
        )
        | dict.fromkeys(
            (
                "prompt_token_details",
                "prompt_tokens_details",
                "completion_tokens_details",
                "output_tokens_details",
            ),
            _details,
        ),
    ),
)
metadatas = st.one_of(st.just("{}"), st.just("[]"), st.just('{"customer":"acme"}'), free_objects)
_function = objects(
    {"name": words},
    {"description": nullable(words), "parameters": st.one_of(st.just("null"), booleans, free_objects)}
    | {"strict": nullable(booleans)},
)
tools = lists(
    st.one_of(
        objects({"type": st.just('"function"'), "function": _function}, {}),
        objects({"type": st.sampled_from(['"code_interpreter"', '"retrieval"', '"mcp"', '"\\u0000"'])}, {}),
        objects({"type": st.just('"file_search"')}, {"file_search": nullable(free_objects)}),
    )
)
_times = ("started_at", "expires_at", "cancelled_at", "failed_at", "completed_at")

runs: Text = objects(
    {
        "id": identifiers,
        "object": st.sampled_from(['"thread.run"', '"thread.run"', '""']),
        "created_at": timestamps,
        "thread_id": identifiers,
        "assistant_id": identifiers,
        "status": st.one_of(st.sampled_from(['"queued"', '"in_progress"', '"completed"', '"expired"']), names),
    },
    {
        **dict.fromkeys(_times, nullable(timestamps)),
        "required_action": nullable(required_actions),
        "last_error": nullable(last_errors),
        "incomplete_details": nullable(st.one_of(st.just('{"reason":null}'), objects({}, {"reason": nullable(words)}))),
        "model": nullable(words),
        "instructions": nullable(words),
        "tools": nullable(tools),
        "metadata": nullable(metadatas),
        "usage": nullable(usages),
        "temperature": nullable(numbers),
        "top_p": nullable(numbers),
        "max_prompt_tokens": nullable(bigints),
        "max_completion_tokens": nullable(bigints),
        "truncation_strategy": nullable(objects({"type": words}, {"last_messages": nullable(bigints)})),
        "tool_choice": nullable(st.one_of(words, free_objects)),
        "parallel_tool_calls": nullable(booleans),
        "response_format": nullable(st.one_of(words, free_objects)),
        "file_ids": nullable(lists(words)),
        "tool_resources": nullable(free_objects),
        "reasoning_effort": nullable(words),
    },
)

_step_call = objects(
    {"type": words},
    {"id": nullable(words), "name": values, "mcp": free_objects}
    | {
        "function": nullable(objects({}, {"name": nullable(words), "arguments": _arguments, "output": nullable(words)}))
    },
)
steps: Text = objects(
    {
        "id": identifiers,
        "object": st.sampled_from(['"thread.run.step"', '""']),
        "created_at": timestamps,
        "run_id": identifiers,
        "type": names,
        "status": names,
    },
    {
        **dict.fromkeys(
            ("cancelled_at", "completed_at", "expired_at", "failed_at", "expires_at"), nullable(timestamps)
        ),
        "assistant_id": optional_identifiers,
        "thread_id": optional_identifiers,
        "last_error": nullable(last_errors),
        "step_details": nullable(objects({"type": words}, {"tool_calls": nullable(lists(_step_call))})),
        "usage": nullable(usages),
        "metadata": nullable(metadatas),
    },
)

_part = st.one_of(
    objects({"type": st.just('"text"'), "text": st.one_of(words, objects({"value": words}, {}))}, {}),
    objects({"type": words}, {}),
)
messages: Text = objects(
    {
        "id": identifiers,
        "object": st.sampled_from(['"thread.message"', '""']),
        "created_at": timestamps,
        "thread_id": identifiers,
        "role": names,
    },
    {
        **dict.fromkeys(("completed_at", "incomplete_at"), nullable(timestamps)),
        "assistant_id": optional_identifiers,
        "run_id": optional_identifiers,
        "status": nullable(words),
        "content": nullable(st.one_of(lists(_part), words)),
        "metadata": nullable(metadatas),
        "attachments": values,
    },
)
