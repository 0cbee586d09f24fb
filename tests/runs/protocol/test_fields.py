"""Known fields are validated, converted to columns and written back."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given

from runs.protocol import fields, lossless_json, validation_errors
from tests.runs import objects

ALL = (
    fields.identifier_field("id", "external_id"),
    fields.string_field("status", required=True),
    fields.timestamp_field("started_at"),
    fields.last_error_field(),
    fields.usage_field(),
    fields.metadata_field(),
)


@pytest.mark.parametrize(
    ("known", "raw"),
    [
        (fields.identifier_field("id", "id"), rb'"run_\u00e9"'),
        (fields.string_field("status"), b'"completed"'),
        (fields.string_field("status"), '"漢字"'.encode()),
        (fields.timestamp_field("at"), b"1795000000"),
        (fields.timestamp_field("at"), b"0"),
        (fields.last_error_field(), b'{"code":"server_error","message":"Sorry"}'),
        (fields.usage_field(), b'{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}'),
        (fields.usage_field(), b'{"total_tokens":3,"prompt_tokens":1,"completion_tokens":2}'),
        (
            fields.usage_field(),
            b'{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3,"prompt_token_details":{"cached_tokens":0}}',
        ),
        (fields.metadata_field(), b'{"customer":"acme"}'),
        (fields.metadata_field(), b"{}"),
    ],
)
def test_usual_form_needs_columns_only(known: fields.ProtocolField, raw: bytes) -> None:
    parsed = fields.parse_fields({known.name: raw}, [known])
    assert (parsed.unrepresentable, parsed.problems) == ({}, [])
    assert lossless_json.is_same_json(fields.write_fields(parsed.columns, parsed.absent, [known])[known.name], raw)


@pytest.mark.parametrize(
    ("known", "raw"),
    [
        (fields.string_field("status"), rb'"\u0000"'),
        (fields.string_field("status"), b'""'),
        (fields.string_field("status"), b'"' + b"x" * 257 + b'"'),
        (fields.timestamp_field("at"), b"-0"),
        (fields.timestamp_field("at"), b"1795000000000"),
        (fields.last_error_field(), b'{"code":null,"message":null}'),
        (fields.last_error_field(), b'{"code":"x"}'),
        (fields.last_error_field(), b'{"code":"x","message":"y","param":1}'),
        (fields.usage_field(), b'{"prompt_tokens":null,"completion_tokens":null,"total_tokens":null}'),
        (fields.usage_field(), b'{"prompt_tokens":1,"completion_tokens":2,"total_tokens":-0}'),
        (fields.usage_field(), b'{"prompt_tokens": -0,"completion_tokens":2,"total_tokens":1}'),
        (fields.usage_field(), b'{"input_tokens":1,"output_tokens":2,"total_tokens":3}'),
        (fields.metadata_field(), b"[]"),
        (fields.metadata_field(), b'{"n":1}'),
        (fields.metadata_field(), rb'{"a":"\u0000"}'),
    ],
)
def test_unusual_form_is_kept_beside_columns(known: fields.ProtocolField, raw: bytes) -> None:
    parsed = fields.parse_fields({known.name: raw}, [known])
    assert parsed.problems == []
    assert lossless_json.is_same_json(parsed.unrepresentable[known.name], raw)


@pytest.mark.parametrize("known", [each for each in ALL if not each.required], ids=lambda known: known.name)
@pytest.mark.parametrize("raw", [None, b"null"], ids=["absent", "null"])
def test_absent_and_null_round_trip(known: fields.ProtocolField, raw: bytes | None) -> None:
    posted = {} if raw is None else {known.name: raw}
    parsed = fields.parse_fields(posted, [known])
    assert fields.write_fields(parsed.columns, parsed.absent, [known]) == posted


@pytest.mark.parametrize("known", [each for each in ALL if each.required], ids=lambda known: known.name)
def test_required_field_rejects_absent_and_null(known: fields.ProtocolField) -> None:
    assert [each.message for each in fields.parse_fields({}, [known]).problems] == ["required, but missing"]
    assert [problem.path for problem in fields.parse_fields({known.name: b"null"}, [known]).problems] == [
        f"/{known.name}"
    ]


@objects.examples(100)
@given(objects.usages)
def test_fast_and_full_usage_parsers_agree(raw: str) -> None:
    known = fields.usage_field()
    fast = known.parse_fast(raw.encode())
    if fast is not None:
        value = lossless_json.decode_json(raw.encode())
        assert fast == known.to_columns(lossless_json.convert_json(value, known.type), value)


@objects.examples(100)
@given(objects.metadatas)
def test_fast_and_full_metadata_parsers_agree(raw: str) -> None:
    known = fields.metadata_field()
    fast = known.parse_fast(raw.encode())
    if fast is not None:
        value = lossless_json.decode_json(raw.encode())
        assert fast == known.to_columns(value, value)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (1, 1.0),
        (1, True),
        (0, False),
        (None, False),
        ("1", 1),
        ([1], [1.0]),
        ({"a": 1}, {"a": True}),
        ([], {}),
    ],
)
def test_values_of_different_types_are_not_identical(left: object, right: object) -> None:
    assert not fields.is_identical_json(left, right)
    assert fields.is_identical_json(left, left)


@pytest.mark.parametrize(
    ("value", "kind", "path", "message"),
    [
        (1, str, "/f", "expected string, got integer"),
        ([1], list[str], "/f/0", "expected string, got integer"),
        ({"a": {"b": [None]}}, dict[str, dict[str, list[int]]], "/f/.../.../0", "expected integer, got null"),
        (2**63, fields.Bigint, "/f", "expected integer <= 9223372036854775807, got 9223372036854775808"),
        ("", fields.Identifier, "/f", "expected string of length >= 1, got length 0"),
        ({"a": [""]}, dict[str, list[fields.Identifier]], "/f/.../0", "expected string of length >= 1"),
        (True, fields.Usage | None, "/f", "expected object or null, got boolean"),
    ],
)
def test_validation_error_becomes_json_pointer_and_types(value: object, kind: object, path: str, message: str) -> None:
    with pytest.raises(msgspec.ValidationError) as error:
        msgspec.convert(value, kind)
    problem = validation_errors.problem_from_validation_error("f", value, error.value)
    assert (problem.path, problem.message) == (path, message)


def test_metadata_column_is_storable_as_jsonb() -> None:
    parsed = fields.parse_fields(
        {"metadata": rb'{"a\u0000":[1.0,1e400,{"b":"\ud800","c":true,"d":null}]}'}, [fields.metadata_field()]
    )
    assert parsed.columns["metadata"] == {"a\ufffd": ["1.0", "inf", {"b": "\ufffd", "c": True, "d": None}]}
