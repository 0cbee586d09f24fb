"""Completions for a query while it is typed: fields, metadata keys and values, most frequent first.

Every completion costs a bounded read: rollups, a number of configurations, or the newest runs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from runs.models import Project
from runs.query.ast import format_key
from runs.query.field_values import NO_FILTERS, fetch_field_values, fetch_metadata_keys_like
from runs.query.fields import FIELDS_BY_NAME, QUERY_FIELDS
from runs.query.grammar import MAX_QUERY_LENGTH
from runs.query.operators import format_value, unquote_value
from runs.query.run_filters import RunFilters
from runs.query.text_limits import find_text_problem
from runs.query.value_counts import ValueCounts
from runs.query.value_types import MAX_SEARCH_TEXT_LENGTH

MAX_COMPLETIONS = 12

_QUOTED = r'"(?:[^"\\]|\\.)*"'
# The end of the typed text: a field with its key, earlier values and the start of a value, or the start of a word.
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
_REST_OF_WORD = re.compile(r'[^\s"():,]*')


@dataclass(frozen=True, slots=True)
class QueryCompletion:
    """A text that may replace the characters from `start` up to `end`. `note` explains it."""

    text: str
    note: str
    start: int
    end: int


def suggest_completions(
    project: Project, text: str, position: int, filters: RunFilters = NO_FILTERS
) -> list[QueryCompletion]:
    """Return completions of `text` at the cursor `position`, the most likely first.

    Runs are counted among those that match `filters`.
    """
    position = max(0, min(position, len(text)))
    before_cursor = text[:position]
    typed = None if find_text_problem(text, MAX_QUERY_LENGTH) else _TYPED.search(before_cursor)
    if typed is None or len(typed["value"] or typed["word"] or "") > MAX_SEARCH_TEXT_LENGTH:
        return []
    is_within_quotes = re.sub(_QUOTED, "", before_cursor[: typed.start()]).count('"') % 2
    if is_within_quotes:
        return []
    if typed["field"] is None:
        start = typed.start("word")
        completions = _complete_field(typed["word"]) + _complete_metadata_key(project, typed["word"], filters)
    else:
        start = typed.start("value")
        completions = _complete_value(project, typed, filters)
    end = position + len(_REST_OF_WORD.findall(text, position)[0])
    return [QueryCompletion(completion, note, start, end) for completion, note in completions[:MAX_COMPLETIONS]]


def _complete_field(word: str) -> list[tuple[str, str]]:
    """Return the fields whose name contains `word`, first those that start with it."""
    fields = [field for field in QUERY_FIELDS if word.lower() in field.name]
    fields.sort(key=lambda field: not field.name.startswith(word.lower()))
    return [(f"{field.name}{'.' if field.has_keys else ':'}", f"runs {field.help}") for field in fields]


def _complete_metadata_key(project: Project, word: str, filters: RunFilters) -> list[tuple[str, str]]:
    """Return the metadata keys that contain `word`, first those that start with it."""
    if not word:
        return []
    start = word.removeprefix("metadata.")
    return [
        (f"metadata.{format_key(key)}:", _describe_count(count))
        for key, count in _sort_by_start(fetch_metadata_keys_like(project, start, filters), start)
    ]


def _complete_value(project: Project, typed: re.Match[str], filters: RunFilters) -> list[tuple[str, str]]:
    """Return values of the typed field that are not in the list already."""
    field = FIELDS_BY_NAME.get(typed["field"])
    if field is None or field.has_keys != (typed["key"] is not None):
        return []
    start = typed["value"].lstrip('"')
    quoted_key = typed["key"]
    key = unquote_value(quoted_key) if quoted_key and quoted_key.startswith('"') else quoted_key
    counts = _sort_by_start(fetch_field_values(project, field, key, start, filters), start)
    notes = {format_value(value): _describe_count(count) for value, count in counts}
    for suggestion in field.value_type.suggestions:
        if suggestion.startswith(start):
            notes.setdefault(suggestion, "")
    typed_values = typed["before"].split(",")
    return [(value, note) for value, note in notes.items() if value not in typed_values]


def _sort_by_start(counts: ValueCounts, start: str) -> ValueCounts:
    """Return the values in their order, first those that start with `start` in any case."""
    return sorted(counts, key=lambda pair: not pair[0].lower().startswith(start.lower()))


def _describe_count(count: int) -> str:
    return f"{count:,} run{'' if count == 1 else 's'}"
