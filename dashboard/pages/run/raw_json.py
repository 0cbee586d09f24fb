"""The raw JSON of a run as a searchable tree, with every number in its original spelling.

A tree has thousands of lines. It is written in Python, since a template would take ten times as long. Of a very large
object, the tree shows and searches only the first part; the JSON itself can be downloaded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from html import escape
from itertools import islice
from typing import Any
from urllib.parse import quote

from django.utils.safestring import SafeString, mark_safe

from dashboard.pages.run.params import RunPageParams
from dashboard.ui import json_pointer
from dashboard.ui.text_search import fold_case, iterate_matches
from runs.protocol.configuration import CONFIGURATION_FIELD_TYPES
from runs.protocol.lossless_json import JsonNumber, clean_text, dump_json, join_members, parse_json
from runs.protocol.run import RUN_FIELDS

KNOWN_RUN_FIELDS = frozenset({"object", *(field.name for field in RUN_FIELDS), *CONFIGURATION_FIELD_TYPES})
MAX_INLINE_TREE_SIZE = 8_000  # bytes; a larger tree is fetched when it comes into view
MAX_MARKS = 5_000  # of one tree; later matches are counted, but not marked
_MAX_DEPTH = 60  # browsers stop nesting elements at about 512; deeper values are written on one line
_MAX_STRING_LENGTH = 600
_MAX_LONG_STRING_LENGTH = 10_000  # characters of a string that are shown when it is unfolded
_MAX_NAME_LENGTH = 600
_MAX_POINTER_LENGTH = 1_000  # a value with a longer pointer has no link
MAX_TREE_SIZE = 300_000  # characters of HTML, after which the lines are left out
_SUMMARY_LENGTH = 120


@dataclass(frozen=True)
class RawJsonTree:
    """The tree of `members`, the posted object that `json_url` returns. Matches of `params.find` are marked."""

    json_url: str
    members: Mapping[str, bytes]
    params: RunPageParams

    @cached_property
    def size(self) -> int:
        """The size of the object in bytes."""
        return len(join_members(dict(self.members)))

    @property
    def is_shown(self) -> bool:
        """Return whether the tree is part of the page: it is small, requested, or searched."""
        return "raw" in self.params.full or bool(self.params.find) or self.size <= MAX_INLINE_TREE_SIZE

    @property
    def unknown_fields(self) -> list[str]:
        """The names of members that the protocol does not define."""
        return [clean_text(name) for name in self.members if name not in KNOWN_RUN_FIELDS]

    @cached_property
    def html(self) -> SafeString:
        """The tree. Branches with matches are open."""
        return mark_safe("".join(self._writer.write_object(self.members)))  # noqa: S308 - the writer escapes all text

    @property
    def is_partial(self) -> bool:
        """Return whether the tree leaves part of the object out."""
        return bool(self.html) and self._writer.is_partial

    @property
    def match_count(self) -> int:
        """The number of lines that contain a match."""
        return self._writer.match_count if self.html else 0

    @cached_property
    def _writer(self) -> _TreeWriter:
        return _TreeWriter(self.json_url, self.params.find)


class _TreeWriter:
    """Writes the lines of a tree as HTML and counts those that contain a text, in any case.

    `json_url` is the URL of the object as JSON, to which the keys of the tree link.
    """

    def __init__(self, json_url: str, find: str) -> None:
        self.match_count = 0
        self.is_partial = False
        self._size = 0
        self._json_url = escape(json_url)
        self._find = fold_case(find)
        self._mark_count = 0

    def write_object(self, members: Mapping[str, bytes]) -> Iterator[str]:
        """Yield the HTML of the whole object."""
        yield f'<details open><summary>{{<span class="n"> {_count(len(members), "key")} }}</span></summary><div>'
        for name, raw in members.items():
            if self._is_full():
                break
            yield "".join(self._write_member(name, raw))
        yield "</div>}</details>"

    def _is_full(self) -> bool:
        """Return whether no more lines may be written."""
        self.is_partial = self.is_partial or self._size > MAX_TREE_SIZE
        return self.is_partial

    def _write_member(self, name: str, raw: bytes) -> list[str]:
        pointer = json_pointer.extend_pointer("", name)
        tag = "" if name in KNOWN_RUN_FIELDS else ' <span class="tag">unknown field</span>'
        match_count = self.match_count
        try:
            return list(self._write_value(parse_json(raw), clean_text(name), pointer, 1, tag))
        except RecursionError:
            self.match_count = match_count
            text = raw.decode()
            return list(self._write_long_text(clean_text(name), pointer, tag, text, "nested very deeply"))

    def _write_value(self, value: Any, name: str, pointer: str, depth: int, tag: str = "") -> Iterable[str]:
        if isinstance(value, dict | list) and value and depth < _MAX_DEPTH:
            return self._write_branch(value, name, pointer, depth, tag)
        text = dump_json(value)
        name = name if len(name) <= _MAX_NAME_LENGTH else name[:_MAX_NAME_LENGTH] + "…"
        is_string = isinstance(value, str) and not isinstance(value, JsonNumber)
        if len(text) > _MAX_STRING_LENGTH:
            summary = text[:_SUMMARY_LENGTH] + "…"
            return self._write_long_text(name, pointer, tag, text, summary, is_string=is_string)
        self._count_matches(name, text)
        key, css_class = self._link(pointer, self._mark(name)), _css_class(is_string=is_string)
        line = f"<p>{key}{tag}: <span{css_class}>{self._mark(text)}</span></p>"
        self._size += len(line)
        return (line,)

    def _write_branch(
        self, value: dict[str, Any] | list[Any], name: str, pointer: str, depth: int, tag: str
    ) -> Iterator[str]:
        name = name if len(name) <= _MAX_NAME_LENGTH else name[:_MAX_NAME_LENGTH] + "…"
        self._count_matches(name)
        count_before = self.match_count
        lines: list[str] = []
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            if self._is_full():
                break
            item_pointer = json_pointer.extend_pointer(pointer, key)
            lines += self._write_value(item, clean_text(str(key)), item_pointer, depth + 1)
        is_open = " open" if self.match_count > count_before else ""
        bracket, closing, noun = ("{", "}", "key") if isinstance(value, dict) else ("[", "]", "item")
        summary = f'<span class="n"> {_count(len(value), noun)} {closing}</span>'
        self._size += 200 + 2 * len(pointer)  # about the size of the lines here
        yield f"<details{is_open}><summary>{self._key(name, tag)}{bracket}{summary}</summary><div>"
        yield from lines
        yield f"</div>{closing} {self._link(pointer, escape(pointer))}</details>"

    def _write_long_text(
        self, name: str, pointer: str, tag: str, text: str, summary: str, *, is_string: bool = False
    ) -> Iterator[str]:
        """Yield a text that is folded behind its summary."""
        is_open = " open" if self._matches(text) else ""
        self._count_matches(name, text)
        marked = self._mark(self._cut_out(text))
        self._size += 300 + len(marked) + 2 * len(pointer)
        yield f'<details{is_open}><summary>{self._key(name, tag)}<span class="n">'
        yield f"{escape(summary)} ({len(text):,} characters)</span></summary>"
        yield f"<div><p{_css_class(is_string=is_string)}>{marked}</p></div>"
        yield f"{self._link(pointer, escape(pointer))}</details>"

    def _cut_out(self, text: str) -> str:
        """Return a part of a long text: its beginning, or the surroundings of the first match."""
        start, stop = next(iterate_matches(text, self._find), (0, 0)) if self._find else (0, 0)
        begin = max(0, start - _SUMMARY_LENGTH) if stop > _MAX_LONG_STRING_LENGTH else 0
        end = begin + _MAX_LONG_STRING_LENGTH
        return f"{'…' if begin else ''}{text[begin:end]}{'…' if end < len(text) else ''}"

    def _key(self, name: str, tag: str) -> str:
        return f'<span class="k">{self._mark(name)}</span>{tag}: '

    def _link(self, pointer: str, html: str) -> str:
        """Return a link to the value alone. A <summary> cannot hold a link, so a branch has it at its end."""
        if len(pointer) > _MAX_POINTER_LENGTH:
            return f'<span class="k">{html if len(html) <= _MAX_POINTER_LENGTH else ""}</span>'
        return f'<a class="k" href="{self._json_url}?at={quote(pointer, safe="/")}">{html}</a>'

    def _matches(self, text: str) -> bool:
        return bool(self._find) and self._find in fold_case(text)

    def _count_matches(self, *texts: str) -> None:
        self.match_count += any(map(self._matches, texts))

    def _mark(self, text: str) -> str:
        """Escape `text` and mark the matches in it, as long as there are not too many in the tree."""
        if not self._find:
            return escape(text)
        pieces, last_end = [], 0
        for start, end in islice(iterate_matches(text, self._find), MAX_MARKS - self._mark_count):
            self._mark_count += 1
            pieces += [escape(text[last_end:start]), "<mark>", escape(text[start:end]), "</mark>"]
            last_end = end
        return "".join((*pieces, escape(text[last_end:])))


def _css_class(*, is_string: bool) -> str:
    return ' class="s"' if is_string else ""


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
