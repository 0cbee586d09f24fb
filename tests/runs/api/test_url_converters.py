"""Path segments for ids and names."""

from __future__ import annotations

from urllib.parse import unquote

import pytest
from django.urls import Resolver404, resolve, reverse
from hypothesis import given, settings
from hypothesis import strategies as st

from runs.api.url_converters import escape_segment, unescape_segment

ODD_TEXTS = [
    "",
    ".",
    "..",
    "...",
    "/",
    "../../x",
    "~",
    "~~",
    "~2F",
    "~2",
    "%2e%2e",
    "a/b?c#d",
    "a\\b",
    "ü 😀",
    "\n",
    "~\n",
]
TEXTS = st.sampled_from(ODD_TEXTS) | st.text() | st.text(alphabet="~./2EF%\n")


@given(TEXTS)
@settings(deadline=None)
def test_segments_are_read_back(text: str) -> None:
    assert unescape_segment(escape_segment(text)) == text


@given(TEXTS.filter(lambda text: "\0" not in text))
@settings(deadline=None)  # the first reverse() loads all views
def test_segments_stay_in_place(text: str) -> None:
    url = reverse("run-comments", args=["default", text])
    segment = url.removeprefix("/p/default/comments/").removesuffix("/")
    # browsers resolve dots even if they are percent-encoded, and servers decode percent-encoded slashes
    assert unquote(segment) not in ("", ".", "..")
    assert "/" not in unquote(segment)
    assert resolve(unquote(url)).kwargs["run_id"] == text


@pytest.mark.parametrize("text", ["run_1", "thread.run", "a~b", "läuft 100%", "~zz"])
def test_usual_ids_are_not_escaped(text: str) -> None:
    assert escape_segment(text) == text


@pytest.mark.parametrize("segment", ["\0", "~00", "\ud800"])
def test_unstorable_texts_match_no_page(segment: str) -> None:
    with pytest.raises(Resolver404):
        resolve(f"/p/default/runs/{segment}/")
