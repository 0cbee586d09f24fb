"""Render an answer as JSON types, with lists and texts shortened as requested."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from dashboard.mcp.posted_text import PostedText, clean_name, show_invisible
from dashboard.ui.formats import format_iso_time

# The place of a value in an answer: names and indexes.
Path = tuple[str | int, ...]


class BothEndsList(list[Any]):
    """A list that loses elements from its middle. Other lists lose them from their end."""


class CompleteList(list[Any]):
    """A list that loses no elements, such as a page that another one follows."""


@dataclass
class AnswerRendering:
    """A rendering of an answer. What it leaves out is described in `list_cuts` and `text_cuts`.

    Attributes:
        max_elements: the number of elements of shortened lists, by their path.
        max_text_bytes: the number of bytes of a text, None without a limit.
    """

    max_elements: dict[Path, int] = field(default_factory=dict)
    max_text_bytes: int | None = None
    list_cuts: list[str] = field(default_factory=list)
    text_cuts: list[str] = field(default_factory=list)
    list_lengths: dict[Path, int] = field(default_factory=dict)
    text_sizes: list[int] = field(default_factory=list)

    def render(self, value: Any, path: Path = ()) -> Any:
        """Return `value` as JSON types."""
        match value:
            case PostedText():
                return self._render_text(value, path)
            case dict():
                return {name: self.render(item, (*path, name)) for name, item in value.items()}
            case list() | tuple():
                return [self.render(item, (*path, index)) for index, item in self._select_elements(value, path)]
            case str():
                return clean_name(value)
            case datetime():
                return format_iso_time(value)
        return value

    def _select_elements(self, value: Any, path: Path) -> Iterator[tuple[int, Any]]:
        """Yield the elements that stay, with their indexes."""
        length = len(value)
        kept = min(length, self.max_elements.get(path, length))
        if not isinstance(value, CompleteList):
            self.list_lengths[path] = kept
        head = kept - kept // 2 if isinstance(value, BothEndsList) else kept
        if kept < length:
            place = "from its middle" if isinstance(value, BothEndsList) else "from its end"
            self.list_cuts.append(f"{_format_path(path)}: {length - kept:,} of {length:,} elements, {place}")
        for index, item in enumerate(value):
            if index < head or index >= length - (kept - head):
                yield index, item

    def _render_text(self, value: PostedText, path: Path) -> dict[str, str]:
        """Return a text, or its beginning and its end if it is too long."""
        text = show_invisible(value.text)
        size = _json_size(text)
        self.text_sizes.append(size)
        if self.max_text_bytes is None or size <= self.max_text_bytes:
            return {"posted": text}
        begin, end = _cut_middle(text, self.max_text_bytes)
        hidden = len(text) - len(begin) - len(end)
        self.text_cuts.append(f"{_format_path(path)}: {hidden:,} of {len(text):,} characters")
        return {"posted": f"{begin}…[{hidden:,} characters left out]…{end}"}


def _cut_middle(text: str, max_bytes: int) -> tuple[str, str]:
    """Return the beginning and the end of `text`, two thirds and one third of what fits."""
    kept, begin, end = len(text), text, ""
    while (size := _json_size(begin) + _json_size(end)) > max_bytes and kept:
        kept = min(kept - 1, kept * max_bytes // size)
        head = kept - kept // 3
        begin, end = text[:head], text[len(text) - (kept - head) :]
    return begin, end


def _json_size(text: str) -> int:
    return len(msgspec.json.encode(text)) - 2  # without the quotes


def _format_path(path: Path) -> str:
    return "/" + "/".join(map(str, path))
