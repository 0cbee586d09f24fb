"""Configurations with equal content share a digest, and their JSON stays as posted."""

from __future__ import annotations

import pytest

from runs.protocol import configuration, lossless_json

TOOLS = b'[{"type":"function","function":{"name":"f","parameters":{"a":1,"b":[2,3]}}},{"type":"file_search"}]'
POSTED = {
    "model": b'"gpt-4o"',
    "instructions": '"Sei nett. 漢"'.encode(),
    "tools": TOOLS,
    "temperature": b"1.0",
}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"tools": TOOLS.replace(b",", b" ,\n ").replace(b":", b" : ")},
        {"tools": TOOLS.replace(b'"a":1,"b":[2,3]', b'"b":[2,3],"a":1')},
        {"instructions": rb'"Sei nett. \u6f22"'},
        {"unknown": b"1", "status": b'"queued"'},
    ],
)
def test_equal_content_has_equal_digest(changes: dict[str, bytes]) -> None:
    reordered = dict(reversed((POSTED | changes).items()))
    assert (
        configuration.parse_configuration(POSTED | changes).digest == configuration.parse_configuration(POSTED).digest
    )
    assert configuration.parse_configuration(reordered).digest == configuration.parse_configuration(POSTED).digest


@pytest.mark.parametrize(
    "changes",
    [
        {"temperature": b"1"},
        {"temperature": b"1.00"},
        {"temperature": b"null"},
        {"top_p": b"null"},
        {"tools": b"[]"},
        {"tools": TOOLS.replace(b"[2,3]", b"[3,2]")},
        {"instructions": b'"Sei nett."'},
    ],
)
def test_different_content_has_different_digest(changes: dict[str, bytes]) -> None:
    assert (
        configuration.parse_configuration(POSTED | changes).digest != configuration.parse_configuration(POSTED).digest
    )


def test_body_is_posted_json_without_whitespace() -> None:
    body = configuration.parse_configuration(
        {"tools": b'[ {"type": "mcp", "limit": 1.0} ]', "temperature": b"1e0"}
    ).body
    assert lossless_json.split_object(body.encode()) == {
        "tools": b'[{"type":"mcp","limit":1.0}]',
        "temperature": b"1e0",
    }


def test_tool_types_are_distinct_functions_in_order() -> None:
    b, a = (f'{{"type":"function","function":{{"name":"{name}"}}}}' for name in "ba")
    tools = f'[{b},{{"type":"mcp"}},{a}]'
    parsed = configuration.parse_configuration({"tools": tools.encode()})
    assert (parsed.tool_types, parsed.function_names) == (("function", "mcp"), ("b", "a"))


@pytest.mark.parametrize("tools", [{}, {"tools": b"null"}, {"tools": b"[]"}])
def test_configuration_may_be_empty(tools: dict[str, bytes]) -> None:
    parsed = configuration.parse_configuration(tools)
    assert (parsed.model, parsed.instructions, parsed.tool_types, parsed.function_names) == (
        None,
        None,
        (),
        (),
    )


def test_columns_are_cleaned_and_truncated() -> None:
    posted = {
        "model": b'"' + b"m" * 300 + b'"',
        "instructions": rb'"\u0000\ud800"',
        "tools": rb'[{"type":"function","function":{"name":"\u0000"}},{"type":"\ud800"}]',
    }
    parsed = configuration.parse_configuration(posted)
    assert parsed.model == "m" * 256
    assert parsed.instructions == "\ufffd\ufffd"
    assert (parsed.tool_types, parsed.function_names) == (("function", "\ufffd"), ("\ufffd",))
    assert lossless_json.split_object(parsed.body.encode()) == posted


def test_schema_may_be_as_deep_as_body() -> None:
    deep = b'{"a":' * 190 + b"1" + b"}" * 190
    tools = b'[{"type":"function","function":{"name":"f","parameters":' + deep + b"}}]"
    assert lossless_json.is_same_json(
        lossless_json.split_object(configuration.parse_configuration({"tools": tools}).body.encode())["tools"], tools
    )
