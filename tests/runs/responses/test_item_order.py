"""Tests that pages of items, in whatever order they come, end in the order of the list that they were taken from."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runs.models import ListedItem, Project
from runs.models.conversation import make_conversation_key
from runs.responses import parse_item_page, store_conversation_items
from tests.responses import question


def store_page(
    project: Project, names: Sequence[str], *, order: str = "asc", after: str | None = None, has_more: bool = True
) -> int:
    """Store a page of a conversation whose items have these ids, oldest first."""
    items = [question(name) | {"id": name} for name in names]
    body = {"object": "list", "data": items if order == "asc" else items[::-1], "has_more": has_more}
    return store_conversation_items(
        project, "conv_1", parse_item_page(json.dumps(body).encode(), order=order, after=after)
    )


def read_order(project: Project) -> str:
    items = ListedItem.objects.of_owner(make_conversation_key(project, "conv_1"))
    return "".join(items.values_list("external_id", flat=True))


@pytest.mark.parametrize(
    ("pages", "expected"),
    [
        # newer items are fetched again, with the page before
        ([("asc", "abc"), ("asc", "cde")], "abcde"),
        ([("desc", "cde"), ("desc", "abc")], "abcde"),
        ([("desc", "abc"), ("desc", "cde")], "abcde"),
        ([("desc", "abcd"), ("asc", "bcdef")], "abcdef"),
        # a page fills the gap between two, which were assumed to be in another order
        ([("asc", "efg"), ("asc", "abc"), ("asc", "cde")], "abcdefg"),
        ([("desc", "abc"), ("desc", "efg"), ("desc", "cde")], "abcdefg"),
        ([("asc", "ef"), ("asc", "ab"), ("asc", "gh"), ("asc", "bcde"), ("asc", "fg")], "abcdefgh"),
        # items in the middle
        ([("asc", "abc"), ("asc", "axbyc")], "axbyc"),
        # what is not said is assumed: ascending pages go on, descending ones go back
        ([("asc", "ab"), ("asc", "cd")], "abcd"),
        ([("desc", "cd"), ("desc", "ab")], "abcd"),
    ],
)
def test_neighbours_decide(project: Project, pages: list[tuple[str, str]], expected: str) -> None:
    for order, names in pages:
        store_page(project, names, order=order)
    assert read_order(project) == expected


@pytest.mark.parametrize(
    ("pages", "expected"),
    [
        ([("asc", "ab", None), ("asc", "ef", "d"), ("asc", "cd", "b")], "abcdef"),
        ([("asc", "ef", None), ("asc", "ab", None), ("asc", "cd", "b"), ("asc", "de", None)], "abcdef"),
        ([("desc", "cd", None), ("desc", "ab", "c")], "abcd"),
        ([("desc", "ef", None), ("desc", "ab", "c"), ("desc", "cd", "e")], "abcdef"),
    ],
)
def test_item_before_the_page_is_a_neighbour(
    project: Project, pages: list[tuple[str, str, str | None]], expected: str
) -> None:
    for order, names, after in pages:
        store_page(project, names, order=order, after=after)
    assert read_order(project) == expected


def test_list_with_a_known_end_grows_at_its_other_end(project: Project) -> None:
    store_page(project, "cd", order="asc", has_more=False)
    store_page(project, "ab", order="asc")
    assert read_order(project) == "abcd"


def test_page_that_joins_others_changes_no_item(project: Project) -> None:
    for names in ("de", "ab"):
        store_page(project, names)
    assert store_page(project, "bcd") == 1
    assert store_page(project, "abcde") == 0
    assert read_order(project) == "abcde"


LIST = "abcdefghijklmno"


@st.composite
def overlapping_pages(draw: st.DrawFn) -> list[tuple[str, str]]:
    """Return pages that cover the list, each with an item of the next, in any order, some of them twice."""
    cuts = sorted(draw(st.sets(st.integers(1, len(LIST) - 2), max_size=5)))
    bounds = [0, *cuts, len(LIST) - 1]
    parts = [LIST[low : high + 1] for low, high in pairwise(bounds)]
    repeated = [*parts, *draw(st.lists(st.sampled_from(parts), max_size=3))]
    return [(draw(st.sampled_from(["asc", "desc"])), part) for part in draw(st.permutations(repeated))]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(pages=overlapping_pages())
def test_overlapping_pages_end_in_one_order(project: Project, pages: list[tuple[str, str]]) -> None:
    ListedItem.objects.of_owner(make_conversation_key(project, "conv_1")).delete()
    for order, names in pages:
        store_page(project, names, order=order)
    assert read_order(project) == LIST
