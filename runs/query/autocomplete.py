"""What may come next while a query is typed: fields, keys of the metadata, and values, most frequent first.

Every answer costs a bounded read: rollups, a number of configurations, or the newest runs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from runs.models import Project
from runs.query import value_counts
from runs.query.ast import format_key
from runs.query.fields import FIELDS_BY_NAME, QUERY_FIELDS, QueryField
from runs.query.grammar import MAX_QUERY_LENGTH
from runs.query.operators import escape_like, format_value, unquote_value

MAX_COMPLETIONS = 12

_QUOTED = r'"(?:[^"\\]|\\.)*"'
_TYPED = re.compile(
    rf"""
    (?: (?P<field>[a-z_]+)
        (?: \. (?P<key> {_QUOTED} | [^\s"():,]+ ) )? :
        (?P<before> (?: (?:{_QUOTED}|[^\s"(),]+) , )* )
        (?P<value> "(?:[^"\\]|\\.)* | [^\s"(),]* )
      | (?P<word> (?!-) [^\s"():,]* )
    ) $""",
    re.VERBOSE,
)
_REST = re.compile(r'[^\s"():,]*')


@dataclass(frozen=True, slots=True)
class QueryCompletion:
    """`text` may stand in place of the characters from `start` up to `end`; `note` says what it is."""

    text: str
    note: str
    start: int
    end: int


def suggest_completions(project: Project, text: str, position: int) -> list[QueryCompletion]:
    """What may stand at `position` of `text`, the likeliest first; nothing where anything may."""
    position = max(0, min(position, len(text)))
    before = text[:position]
    typed = _TYPED.search(before)
    if typed is None or len(text) > MAX_QUERY_LENGTH or "\0" in text:
        return []
    name = "word" if typed["field"] is None else "value"
    start = typed.start(name)
    if re.sub(_QUOTED, "", before[: typed.start()]).count('"') % 2:
        return []  # within a quoted text
    if typed["field"] is None:
        found = _fields(typed["word"]) + _keys(project, typed["word"])
    else:
        found = _values(project, typed)
    end = position + len(_REST.findall(text, position)[0])
    return [QueryCompletion(each, note, start, end) for each, note in found[:MAX_COMPLETIONS]]


def _fields(word: str) -> list[tuple[str, str]]:
    """Fields whose name begins with, or else contains, what was typed."""
    found = [field for field in QUERY_FIELDS if word.lower() in field.name]
    found.sort(key=lambda field: not field.name.startswith(word.lower()))
    return [(f"{field.name}{'.' if field.keyed else ':'}", f"runs {field.about}") for field in found]


def _keys(project: Project, word: str) -> list[tuple[str, str]]:
    """Keys of the metadata that begin with, or else contain, what was typed; nothing for nothing."""
    if not word:
        return []
    typed = word.removeprefix("metadata.")
    return [
        (f"metadata.{format_key(key)}:", _counted(FIELDS_BY_NAME["metadata"], count))
        for key, count in _ranked(value_counts.fetch_metadata_key_values(project, f"%{escape_like(typed)}%"), typed)
    ]


def _values(project: Project, typed: re.Match[str]) -> list[tuple[str, str]]:
    """Values of the field that was typed, other than those that stand there."""
    field = FIELDS_BY_NAME.get(typed["field"])
    if field is None or field.keyed != (typed["key"] is not None):
        return []
    part = typed["value"].lstrip('"')
    counted = _ranked(_source(project, field, typed["key"], part), part)
    found = {format_value(value): _counted(field, count) for value, count in counted}
    hints = {hint: "" for hint in field.kind.hints if hint.startswith(part) and hint not in found}
    there = typed["before"].split(",")
    return [(value, note) for value, note in (found | hints).items() if value not in there]


def _source(project: Project, field: QueryField, key: str | None, part: str) -> Iterable[tuple[str, int]]:
    pattern = f"%{escape_like(part)}%"
    if key is not None:
        return value_counts.fetch_metadata_value_counts(
            project, unquote_value(key) if key.startswith('"') else key, pattern
        )
    source = _SOURCES.get(field.name)
    return source(project, pattern) if source else []


def _ranked(counted: Iterable[tuple[str, int]], part: str) -> list[tuple[str, int]]:
    """Those that contain `part` in any case, those that begin with it first; otherwise in the order given."""
    part = part.lower()
    found = [pair for pair in counted if part in pair[0].lower()]
    return sorted(found, key=lambda pair: not pair[0].lower().startswith(part))


def _counted(field: QueryField, count: int) -> str:
    """What a count counts."""
    noun = "configuration" if field.name in _BY_CONFIGURATION else "run"
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


_BY_CONFIGURATION = ("tool", "function", "defines", "failing", "misargued")
_SOURCES: dict[str, Callable[[Project, str], Iterable[tuple[str, int]]]] = {
    "status": value_counts.fetch_status_values,
    "model": value_counts.fetch_model_values,
    "assistant": value_counts.fetch_assistant_values,
    "error": value_counts.fetch_error_code_values,
    "error_code": value_counts.fetch_error_code_values,
    "reason": value_counts.fetch_reason_values,
    "tag": value_counts.fetch_tag_values,
    "tool": value_counts.fetch_tool_values,
    "function": value_counts.fetch_defined_function_values,
    "defines": value_counts.fetch_defined_function_values,
    "failing": value_counts.fetch_tool_values,
    "misargued": value_counts.fetch_defined_function_values,
    "awaits": value_counts.fetch_awaited_function_values,
}
