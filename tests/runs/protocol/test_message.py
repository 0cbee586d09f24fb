"""`thread.message` is validated and converted to columns without loss."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given

from runs.errors import InvalidObject
from runs.protocol import lossless_json, message
from tests.factories import message_object
from tests.runs import objects


def parse(posted: dict[str, Any]) -> message.MessageColumns:
    return message.parse_message(lossless_json.split_object(json.dumps(posted).encode()))


@objects.examples(100)
@given(objects.messages)
def test_every_message_round_trips(raw: str) -> None:
    record = message.parse_message(lossless_json.split_object(raw.encode()))
    columns = {name: getattr(record, name) for name in record.__struct_fields__}
    assert objects.as_written(lossless_json.join_members(message.build_message_members(columns))) == objects.as_written(
        raw
    )
    record.text.encode()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (None, ""),
        ([], ""),
        ("plain", "plain"),
        (
            [{"type": "text", "text": {"value": "one"}}, {"type": "text", "text": {"value": "two"}}],
            "one\n\ntwo",
        ),
        ([{"type": "text", "text": "flat"}], "flat"),
        ([{"type": "image_file", "image_file": {"file_id": "f"}}], ""),
        ([{"type": "text", "text": {"value": "a\0\ud800"}}], "a\ufffd\ufffd"),
        ([{"type": "text", "text": None}], ""),
        ([{"type": "refusal", "refusal": "No."}], "No."),
    ],
)
def test_text_parts_are_extracted(content: Any, expected: str) -> None:
    assert parse(message_object(content=content)).text == expected


def test_empty_optional_ids_count_as_absent() -> None:
    posted = message_object(assistant_id="", run_id="")
    columns = parse(posted)
    assert (columns.assistant_id, columns.run_external_id) == (None, None)
    assert json.loads(columns.extra or "{}") == {"assistant_id": "", "run_id": "", "attachments": []}


@pytest.mark.parametrize(
    ("changes", "path", "message_part"),
    [
        ({"object": "thread.run"}, "/object", "/api/v1/runs"),
        ({"thread_id": None}, "/thread_id", "got null"),
        ({"thread_id": ""}, "/thread_id", "length >= 1"),
        ({"assistant_id": "a/b"}, "/assistant_id", "must not contain"),
        ({"run_id": "\n"}, "/run_id", "U+000A"),
        ({"role": None}, "/role", "got null"),
        ({"run_id": 7}, "/run_id", "got integer"),
        ({"content": {}}, "/content", "got object"),
        ({"content": ["x"]}, "/content/0", "expected object, got string"),
        ({"content": [{}]}, "/content/0/type", "required, but missing"),
        ({"id": "\ud800"}, "/id", "surrogate"),
        ({"completed_at": "x"}, "/completed_at", "got string"),
    ],
    ids=ascii,
)
def test_invalid_field_is_reported_by_path(changes: dict[str, Any], path: str, message_part: str) -> None:
    with pytest.raises(InvalidObject) as refused:
        parse(message_object() | changes)
    found = {problem.path: problem.message for problem in refused.value.problems}
    assert set(found) == {path}
    assert message_part in found[path]
