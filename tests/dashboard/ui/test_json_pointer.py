"""Tests for JSON Pointers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.ui.json_pointer import extend_pointer, resolve_pointer

MEMBERS = {
    "usage": b'{"cost": 1.0, "big": 1000000000000000000000000000000, "none": null}',
    "tools": b'[{"type": "function"}, "x"]',
    "a/b": b'{"m~n": {"": [[7]]}}',
    "status": b'"done"',
}


@pytest.mark.parametrize(
    ("pointer", "text"),
    [
        ("/usage/cost", "1.0"),
        ("/usage/big", "1" + "0" * 30),
        ("/usage/none", "null"),
        ("/tools/0", '{"type": "function"}'),
        ("/tools/1", '"x"'),
        ("/a~1b/m~0n//0/0", "7"),
        ("/status", '"done"'),
        ("/tools", '[{"type": "function"}, "x"]'),
        ("", None),
        ("status", None),
        ("/", None),
        ("/tools/2", None),
        ("/tools/-1", None),
        ("/tools/x", None),
        ("/status/0", None),
        ("/usage/none/x", None),
        ("/nothing", None),
    ],
)
def test_pointer_resolves_to_original_text(pointer: str, text: str | None) -> None:
    assert resolve_pointer(MEMBERS, pointer) == text


@given(st.recursive(st.integers(), lambda inner: st.dictionaries(st.text(), inner, min_size=1), max_leaves=4))
def test_every_value_has_a_pointer(value: Any) -> None:
    pointer = extend_pointer("", "root")
    while isinstance(value, dict):
        name = next(iter(value))
        value, pointer = value[name], extend_pointer(pointer, name)
    # the same walk, by the pointer alone
    outer: Any = value
    for step in reversed(pointer.split("/")[2:]):
        outer = {step.replace("~1", "/").replace("~0", "~"): outer}
    assert resolve_pointer({"root": json.dumps(outer).encode()}, pointer) == str(value)
