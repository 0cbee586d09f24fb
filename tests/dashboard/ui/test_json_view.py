"""Tests for the display of JSON."""

from __future__ import annotations

import pytest

from dashboard.ui import json_view
from runs.protocol.lossless_json import parse_json


def test_objects_are_indented():
    assert (
        json_view.prettify_json_text('{"a":{"b":[1,{}]}}')
        == '{\n  "a": {\n    "b": [\n      1,\n      {}\n    ]\n  }\n}'
    )


@pytest.mark.parametrize("no_json", ["", "warm and sunny", "{broken", "42", '"text"', "[NaN]", "[" * 5000])
def test_only_objects_and_arrays_are_indented(no_json):
    assert json_view.prettify_json_text(no_json) is None


def test_strings_are_cleaned_at_any_depth():
    value = parse_json(r'{"k\u0000": ["\ud800", 1.0]}')
    assert json_view.clean_json_strings(value) == {"k\ufffd": ["\ufffd", "1.0"]}


def test_indented_json_is_cut_off():
    value = [0] * 300_000
    for _ in range(90):
        value = [value]
    assert len(json_view.pretty_json(value)) < json_view.MAX_LENGTH + 1000
    assert json_view.prettify_json_text("[" + "0," * 150_000 + "0]") is None
