"""JSON is split, joined, parsed and compared without loss."""

from __future__ import annotations

import json

import pytest
from hypothesis import given

from runs.errors import TooManyObjects, UnreadableBody
from runs.protocol import lossless_json
from tests.runs import objects


@objects.examples(100)
@given(objects.free_objects)
def test_split_and_join_round_trip(raw: str) -> None:
    assert objects.as_written(
        lossless_json.join_members(lossless_json.split_object(raw.encode()))
    ) == objects.as_written(raw)


@objects.examples(100)
@given(objects.values)
def test_compact_and_canonical_keep_the_value(raw: str) -> None:
    for written in (lossless_json.compact_json(raw.encode()), lossless_json.canonical_json(raw.encode())):
        assert objects.as_written(written) == objects.as_written(raw)
        assert lossless_json.is_same_json(written, raw.encode())


@objects.examples(100)
@given(objects.values, objects.values)
def test_same_json_compares_values_as_written(left: str, right: str) -> None:
    assert lossless_json.is_same_json(left.encode(), right.encode()) == (
        objects.as_written(left) == objects.as_written(right)
    )


@objects.examples(100)
@given(objects.lists(objects.values, max_size=6))
def test_array_elements_keep_their_text(raw: str) -> None:
    elements = [objects.as_written(element) for element in lossless_json.split_array(raw.encode())]
    assert elements == objects.as_written(raw)


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ('{"a":1,"b":2}', '{ "b" : 2,\n"a":1 }', True),
        (r'"\u00e9"', '"é"', True),
        (r'"\ud83d\ude00"', '"😀"', True),
        (r'"\/"', '"/"', True),
        ("1", "1.0", False),
        ("1e2", "100", False),
        ("0", "-0", False),
        ("1", "true", False),
        ("null", '"null"', False),
        ("[1,2]", "[2,1]", False),
        (r'"\ud800"', r'"\udfff"', False),
        ('"1"', "1", False),
    ],
)
def test_numbers_compare_by_spelling_strings_by_value(left: str, right: str, same: bool) -> None:
    assert lossless_json.is_same_json(left.encode(), right.encode()) is same


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "not JSON"),
        (b"[]", "expected an object"),
        (b"null", "expected an object"),
        (b'"x"', "expected an object"),
        (b"1", "expected an object"),
        (b'{"a":1', "not JSON"),
        (b'{"a":1} {}', "Extra data"),
        (b'{"a":1,}', "not JSON"),
        (b'{"a":[1,]}', "not JSON"),
        (b"{'a':1}", "not JSON"),
        (b'{"a":NaN}', "NaN is not a JSON value"),
        (b'{"a":-Infinity}', "-Infinity is not a JSON value"),
        (b'{"a":01}', "not JSON"),
        (b'{"a":1.}', "not JSON"),
        (b'{"a":+1}', "not JSON"),
        (b'{"a":"\x00"}', "control character"),
        (b'{"a":"\x1f"}', "control character"),
        (b'{"a":"x\ny"}', "control character"),
        (rb'{"a":"\q"}', "escape"),
        (rb'{"a":"\u12"}', "escape"),
        (b'{"a":"\xff"}', "not UTF-8 at byte 6"),
        (b'{"\xc3":1}', "not UTF-8 at byte 2"),
        (b'{"a":"\xed\xa0\x80"}', "not UTF-8 at byte 6"),
        ('{"a":1}'.encode("utf-16"), "not UTF-8 at byte 0"),
        (b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deeply"),
        (b'{"a":' + b"[" * 100_000, "nested too deeply"),
    ],
    ids=lambda each: repr(each)[:40],
)
def test_invalid_object_is_rejected(raw: bytes, message: str) -> None:
    with pytest.raises(UnreadableBody, match=message):
        lossless_json.split_object(raw)


@pytest.mark.parametrize("raw", [b'{"a":%s}', rb'{"\ud800":%s}'], ids=["plain", "surrogate name"])
@pytest.mark.parametrize("depth", [201, 350, 990, 5_000])
def test_too_deep_nesting_is_rejected(raw: bytes, depth: int) -> None:
    deep = raw.replace(b"%s", b'[{"b":' * (depth // 2) + b"1" + b"}]" * (depth // 2))
    with pytest.raises(UnreadableBody, match="nested more than 200 levels deep"):
        lossless_json.check_json_depth(deep)


def test_deepest_accepted_value_can_be_compared() -> None:
    deep = b'{"a":' + b"[" * 199 + b"]" * 199 + b"}"
    lossless_json.check_json_depth(deep)
    assert lossless_json.is_same_json(lossless_json.compact_json(deep), deep.replace(b":", b" : "))
    lossless_json.check_json_depth(b'{"a":[' + b"[],{}," * 1000 + b'"' + b"[" * 1000 + rb"\"[" * 300 + b'"]}')


def test_last_value_of_repeated_name_wins() -> None:
    assert lossless_json.split_object(b'{"a":1,"a":2.0}') == {"a": b"2.0"}
    assert lossless_json.split_object(rb'{"a":1,"\u0061":2.0,"\ud800":0}')["a"] == b"2.0"


@pytest.mark.parametrize(
    ("raw", "elements"),
    [
        (b"[]", []),
        (b" [ ] ", []),
        (b"[1, 1.0]", [b"1", b"1.0"]),
        (b'[{"a":1}, {broken}, {"b":[1,2]}]', [b'{"a":1}', b"{broken}", b'{"b":[1,2]}']),
        (rb'["a,\"]", nope, "\ud800"]', [rb'"a,\"]"', b"nope", rb'"\ud800"']),
        (b"[" + b"[" * 3000 + b"]" * 3000 + b",1]", [b"[" * 3000 + b"]" * 3000, b"1"]),
    ],
    ids=lambda each: repr(each)[:40],
)
def test_malformed_element_leaves_others_intact(raw: bytes, elements: list[bytes]) -> None:
    assert lossless_json.split_array(raw) == elements


@pytest.mark.parametrize("raw", [b"", b"{}", b"[1", b"[1]]", b"[1] 2", b'["a', b"1"])
def test_malformed_array_is_rejected(raw: bytes) -> None:
    with pytest.raises(UnreadableBody):
        lossless_json.split_array(raw)


@pytest.mark.parametrize(
    ("string", "clean"),
    [
        ("plain", "plain"),
        ("", ""),
        ("a\0b", "a\ufffdb"),
        ("\ud800x\udfff", "\ufffdx\ufffd"),
        ("漢😀", "漢😀"),
        ("é\0\ud800", "é\ufffd\ufffd"),
    ],
)
def test_clean_text_replaces_nul_and_surrogates(string: str, clean: str) -> None:
    assert lossless_json.clean_text(string) == clean


@pytest.mark.parametrize("name", ["plain", "", "a\0b", "\ud800", "漢", '"', "\\", "\n"], ids=ascii)
def test_join_escapes_names(name: str) -> None:
    assert json.loads(lossless_json.join_members({name: b"1"})) == {name: 1}


def test_decode_handles_extreme_numbers_and_surrogates() -> None:
    assert lossless_json.decode_json(b"1e400") == float("inf")
    assert lossless_json.decode_json(b"9" * 5000) == float("inf")
    assert lossless_json.decode_json(b"9" * 30) == int("9" * 30)
    assert lossless_json.decode_json(rb'"\ud800"') == "\ud800"


def test_too_many_elements_are_rejected_while_counting() -> None:
    with pytest.raises(TooManyObjects):
        lossless_json.split_array(b"[" + b"0," * 2_000_000 + b"0]", max_elements=10_000)


def test_short_elements_within_limit_are_accepted() -> None:
    assert len(lossless_json.split_array(b"[" + b"0," * 9_999 + b"0]", max_elements=10_000)) == 10_000


@pytest.mark.parametrize(
    "written",
    [
        "1.0",
        "1e400",
        "123456789012345678901234567890",
        "-0",
        "true",
        "null",
        '"a"',
        "[]",
        "{}",
        '{"a": [1, 2.50]}',
    ],
)
def test_parsed_values_dump_as_written(written: str) -> None:
    assert lossless_json.dump_json(lossless_json.parse_json(written)) == written


def test_dump_escapes_only_lone_surrogates_and_control_characters() -> None:
    assert lossless_json.dump_json(lossless_json.parse_json(r'"\u00e5\ud83d\ude00"')) == '"å😀"'
    assert lossless_json.dump_json(lossless_json.parse_json(r'"\ud800\u0000"')) == r'"\ud800\u0000"'


@pytest.mark.parametrize(
    ("left", "right", "are_equal"),
    [
        ("1", "1.0", True), ("1", '"1"', False), ("1", "true", False), ("[1, 2]", "[2, 1]", False),
        ('{"a": 1, "b": 2}', '{"b": 2, "a": 1e0}', True), ("null", "0", False), ("0.1", "0.10", True),
        ("12345678901234567890123456789012345678", "12345678901234567890123456789012345679", False),
        ("1e999999999999999999999", "1e999999999999999999998", False),
    ],
)  # fmt: skip
def test_values_compare_numbers_by_value(left: str, right: str, are_equal: bool) -> None:
    assert lossless_json.is_equal_value(lossless_json.parse_json(left), lossless_json.parse_json(right)) is are_equal
