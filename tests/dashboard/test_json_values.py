"""JSON is shown as it was written."""

from __future__ import annotations

import pytest

from dashboard.ui import json_view


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
def test_numbers_and_everything_else_keep_their_spelling(written):
    assert json_view.dump(json_view.parse(written)) == written


def test_strings_are_unescaped_unless_no_page_could_carry_them():
    assert json_view.dump(json_view.parse(r'"\u00e5\ud83d\ude00"')) == '"å😀"'
    assert json_view.dump(json_view.parse(r'"\ud800\u0000"')) == r'"\ud800\u0000"'


def test_objects_are_laid_out_over_lines():
    assert (
        json_view.prettify_json_text('{"a":{"b":[1,{}]}}')
        == '{\n  "a": {\n    "b": [\n      1,\n      {}\n    ]\n  }\n}'
    )


@pytest.mark.parametrize("no_json", ["", "warm and sunny", "{broken", "42", '"text"', "[NaN]", "[" * 5000])
def test_what_is_no_object_or_array_is_left_alone(no_json):
    assert json_view.prettify_json_text(no_json) is None


def test_texts_are_made_fit_for_a_page_at_any_depth():
    value = json_view.parse(r'{"k\u0000": ["\ud800", 1.0]}')
    assert json_view.clean_json_strings(value) == {"k\ufffd": ["\ufffd", "1.0"]}
