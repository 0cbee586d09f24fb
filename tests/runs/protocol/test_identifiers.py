"""Ids are accepted only if addresses can be made of them."""

from __future__ import annotations

import re
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runs.protocol.identifiers import Identifier, find_id_fault
from tests.runs.objects import examples

PATTERN = get_args(Identifier)[1].extra_json_schema["pattern"]


@pytest.mark.parametrize(
    "posted_id",
    [
        "r",
        "run_1",
        "x" * 256,
        "...",
        ".hidden",
        "a b",
        "a\\b",
        "%2e%2e",
        "run?x=1#y",
        "日本",
        "👩‍👩‍👧",
        "a:b@c,d;e",
        "run.json",
    ],
)
def test_usable_ids_are_valid(posted_id: str) -> None:
    assert find_id_fault(posted_id) is None


@pytest.mark.parametrize(
    ("posted_id", "fault"),
    [
        ("", "expected 1 to 256 characters, got 0"),
        ("x" * 257, "expected 1 to 256 characters, got 257"),
        (".", 'must not be "."'),
        ("..", 'must not be ".."'),
        ("../../logout", 'must not contain "/", found at character 3'),
        ("run/steps", 'must not contain "/"'),
        ("/", 'must not contain "/"'),
        ("run\0", r"must not contain control characters, found U\+0000 at character 4"),
        ("run\n", r"control characters, found U\+000A"),
        ("run\x7f", "control characters"),
        ("run\x85", "control characters"),
        ("run\u2028x", "control characters"),
        ("run\ud800", "lone surrogates, found one at character 4"),
        (" ", "must not begin or end with white space"),
        ("run_1 ", "white space"),
        ("\u3000run", "white space"),
    ],
)
def test_unusable_ids_are_explained(posted_id: str, fault: str) -> None:
    assert re.match(f".*{fault}", find_id_fault(posted_id) or "")


@examples(300)
@given(st.text(st.sampled_from("ab./ \n\0\ud800\u2028é\\%"), max_size=4) | st.text(max_size=20))
def test_pattern_of_schema_equals_the_rule(posted_id: str) -> None:
    assert bool(re.search(PATTERN, posted_id)) is (find_id_fault(posted_id) is None)
