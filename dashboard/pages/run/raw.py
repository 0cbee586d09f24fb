"""The posted object as a tree that folds and can be searched, every number as it was written.

A tree has thousands of lines, so that it is written here and not by a template, which would take ten times as long.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from html import escape
from typing import Any
from urllib.parse import quote

from django.utils.safestring import SafeString, mark_safe

from dashboard.ui import json_pointer
from runs.protocol import configuration, run
from runs.protocol.lossless_json import JsonNumber, clean_text, dump_json, join_members, parse_json

KNOWN_RUN_FIELDS = frozenset(
    {"object", *(field.name for field in run.RUN_FIELDS), *configuration.CONFIGURATION_FIELD_TYPES}
)
# Browsers stop nesting elements at about 512; what is deeper stands in one line.
_MAX_DEPTH = 60
_MAX_STRING_LENGTH = 600
_SUMMARY_LENGTH = 120
# A larger object is loaded when its tree comes into view.
MAX_INLINE_TREE_SIZE = 8_000
MAX_SEARCH_LENGTH = 200


@dataclass(frozen=True)
class RawJsonTree:
    """The whole object. `url` is where it is answered as JSON, `sought` what is to be found and marked in it."""

    members: Mapping[str, bytes]
    url: str
    sought: str = ""

    @cached_property
    def size(self) -> int:
        """In bytes."""
        return len(join_members(dict(self.members)))

    @property
    def is_large(self) -> bool:
        return self.size > MAX_INLINE_TREE_SIZE

    @property
    def unmodelled(self) -> list[str]:
        """The members that Runglass keeps without knowing what they mean."""
        return [clean_text(name) for name in self.members if name not in KNOWN_RUN_FIELDS]

    @cached_property
    def html(self) -> SafeString:
        """The tree; branches in which something was found stand open."""
        return mark_safe("".join(self._writer.whole(self.members)))  # noqa: S308 - the writer escapes all of it

    @property
    def found(self) -> int:
        """In how many lines of the tree it was found."""
        return self._writer.found if self.html else 0

    @cached_property
    def _writer(self) -> _TreeWriter:
        return _TreeWriter(self.url, self.sought)


class _TreeWriter:
    """Writes lines of the tree, and counts those in which `sought` is found, whatever its case."""

    def __init__(self, url: str, sought: str) -> None:
        self.found = 0
        self._url = escape(url)
        self._sought = re.compile(re.escape(sought), re.IGNORECASE) if sought else None

    def whole(self, members: Mapping[str, bytes]) -> Iterator[str]:
        yield f'<details open><summary>{{<span class="n"> {_count(len(members), "key")} }}</span></summary><div>'
        for name, raw in members.items():
            yield "".join(self._member(name, raw))
        yield "</div>}</details>"

    def _member(self, name: str, raw: bytes) -> list[str]:
        pointer = json_pointer.extend_pointer("", name)
        mark = "" if name in KNOWN_RUN_FIELDS else ' <span class="tag">unknown field</span>'
        found = self.found
        try:
            return list(self._value(parse_json(raw), clean_text(name), pointer, 1, mark))
        except RecursionError:
            self.found = found
            return list(
                self._folded(clean_text(name), pointer, mark, raw.decode(), "nested very deeply", is_string=False)
            )

    def _value(self, value: Any, name: str, pointer: str, depth: int, mark: str = "") -> Iterable[str]:
        if isinstance(value, dict | list) and value and depth < _MAX_DEPTH:
            return self._branch(value, name, pointer, depth, mark)
        text = dump_json(value)
        is_string = isinstance(value, str) and not isinstance(value, JsonNumber)
        if len(text) > _MAX_STRING_LENGTH:
            return self._folded(name, pointer, mark, text, text[:_SUMMARY_LENGTH] + "…", is_string=is_string)
        kind = ' class="s"' if is_string else ""
        key = self._link(pointer, self._marked(name))
        line = f"<p>{key}{mark}: <span{kind}>{self._marked(text)}</span></p>"
        self._count_in(name, text)
        return (line,)

    def _branch(
        self, value: dict[str, Any] | list[Any], name: str, pointer: str, depth: int, mark: str
    ) -> Iterator[str]:
        self._count_in(name)
        before = self.found
        inner: list[str] = []
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            inner += self._value(item, clean_text(str(key)), json_pointer.extend_pointer(pointer, key), depth + 1)
        is_open = " open" if self.found > before else ""
        bracket, closing, noun = ("{", "}", "key") if isinstance(value, dict) else ("[", "]", "item")
        summary = f'<span class="n"> {_count(len(value), noun)} {closing}</span>'
        yield f"<details{is_open}><summary>{self._key(name, mark)}{bracket}{summary}</summary><div>"
        yield from inner
        yield f"</div>{closing} {self._link(pointer, escape(pointer))}</details>"

    def _folded(self, name: str, pointer: str, mark: str, text: str, summary: str, *, is_string: bool) -> Iterator[str]:
        """A long text, behind its beginning."""
        is_open = " open" if self._finds(text) else ""
        self._count_in(name, text)
        kind = ' class="s"' if is_string else ""
        yield f'<details{is_open}><summary>{self._key(name, mark)}<span class="n">'
        yield f"{escape(summary)} ({len(text):,} characters)</span></summary>"
        yield f"<div><p{kind}>{self._marked(text)}</p></div>{self._link(pointer, escape(pointer))}</details>"

    def _key(self, name: str, mark: str) -> str:
        return f'<span class="k">{self._marked(name)}</span>{mark}: '

    def _link(self, pointer: str, html: str) -> str:
        """A link to the value alone. What folds can hold none in its summary, so there it stands at the end."""
        return f'<a class="k" href="{self._url}?at={quote(pointer, safe="/")}">{html}</a>'

    def _finds(self, text: str) -> bool:
        return self._sought is not None and self._sought.search(text) is not None

    def _count_in(self, *texts: str) -> None:
        self.found += any(map(self._finds, texts))

    def _marked(self, text: str) -> str:
        """`text`, escaped, with marks around what is sought."""
        if self._sought is None:
            return escape(text)
        pieces, end = [], 0
        for match in self._sought.finditer(text):
            pieces += [escape(text[end : match.start()]), "<mark>", escape(match[0]), "</mark>"]
            end = match.end()
        return "".join((*pieces, escape(text[end:])))


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
