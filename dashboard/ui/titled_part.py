"""A titled part of what a step, a call or a span contains, as pages lay it out."""

from __future__ import annotations

from dataclasses import dataclass

from dashboard.ui.shown_messages import ShownMessages
from dashboard.ui.truncated_text import TruncatedText

MAX_LISTED_PARTS = 100  # outputs, results or sources


@dataclass(frozen=True, slots=True)
class FileSearchResult:
    """One result of a file search."""

    name: str
    file_id: str | None
    score: str | None
    content: TruncatedText | None


@dataclass(frozen=True, slots=True)
class CitedLink:
    """A source of an answer or a result of a search. `url` is None if it is not an address of the web."""

    title: str
    url: str | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class TitledPart:
    """A titled part of a step or call.

    It is a text, the id of a file, results of a search in files, links, messages, or a note that says what is missing.
    """

    title: str
    text: TruncatedText | None = None
    file_id: str | None = None
    files: tuple[FileSearchResult, ...] | None = None
    links: tuple[CitedLink, ...] = ()
    messages: ShownMessages | None = None
    note: str = ""
