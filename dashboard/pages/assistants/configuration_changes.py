"""The differences between two configurations: a short summary for lists, and the full diff."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

from dashboard.ui import field_changes, text_diff, tool_diff
from dashboard.ui.comparison_rows import ComparisonRow, build_field_rows, get_posted_value
from dashboard.ui.field_changes import FieldChange
from dashboard.ui.formats import MINUS_SIGN
from dashboard.ui.posted_object import PostedObject, as_text
from dashboard.ui.text_diff import TextDiff
from dashboard.ui.tool_diff import ToolsDiff
from runs.models import Configuration
from runs.protocol.lossless_json import split_object

# The names of fields in summaries.
_FIELD_GROUPS = {
    "instructions": "instructions",
    "tools": "tools",
    "model": "model",
    "agent_version": "version",
    **dict.fromkeys(("temperature", "top_p", "reasoning_effort"), "sampling"),
    **dict.fromkeys(("max_prompt_tokens", "max_completion_tokens", "truncation_strategy"), "limits"),
}
_MAX_CACHED_SUMMARIES = 4_000

ConfigurationPair = tuple[uuid.UUID, uuid.UUID]


@dataclass(frozen=True, slots=True)
class ChangeSummary:
    """A summary such as `Instructions, tools`, and one with counts: `Instructions +2 -1, tools +1`."""

    short: str
    long: str


FIRST_VERSION = ChangeSummary("First seen", "First seen")
# Configurations never change, so neither do the differences between two of them.
_summary_cache: dict[ConfigurationPair, ChangeSummary] = {}


@dataclass(frozen=True)
class ConfigurationChanges:
    """The changes from one configuration to another, field by field."""

    before: Configuration
    after: Configuration

    @cached_property
    def summary(self) -> ChangeSummary:
        """The summary of the changes."""
        groups = dict.fromkeys(_FIELD_GROUPS.get(field.name, field.name) for field in self.fields)
        if not groups:
            return ChangeSummary("Notation", "Same values in another notation")
        return ChangeSummary(
            _join_capitalized(groups), _join_capitalized(chain.from_iterable(map(self._count, groups)))
        )

    @cached_property
    def fields(self) -> list[FieldChange]:
        """All fields that differ."""
        return field_changes.diff_fields(
            split_object(self.before.body.encode()), split_object(self.after.body.encode())
        )

    @cached_property
    def instructions(self) -> TextDiff | None:
        """The diff of the instructions; None if they are equal."""
        if not any(field.name == "instructions" for field in self.fields):
            return None
        before, after = (as_text(posted.value("instructions")) or "" for posted in self._posted)
        return text_diff.diff_text(before, after)

    @cached_property
    def tools(self) -> ToolsDiff:
        """The diff of the tools: functions by name, their schemas by JSON pointer."""
        before, after = self._posted
        return tool_diff.diff_tools(before.list_value("tools"), after.list_value("tools"))

    @property
    def settings(self) -> list[ComparisonRow]:
        """The rows of all other fields that differ."""
        before, after = self._posted
        names = [field.name for field in self.fields if field.name not in ("instructions", "tools")]
        rows = chain.from_iterable(
            build_field_rows(name, get_posted_value(before, name), get_posted_value(after, name)) for name in names
        )
        return [row for row in rows if row.differs]

    @cached_property
    def _posted(self) -> tuple[PostedObject, PostedObject]:
        return (
            PostedObject(split_object(self.before.body.encode())),
            PostedObject(split_object(self.after.body.encode())),
        )

    def _count(self, group: str) -> Iterator[str]:
        """Yield the parts of the long summary for one group of fields."""
        if group == "instructions" and self.instructions:
            yield _format_counts(group, self.instructions.added, self.instructions.removed)
        elif group == "model":
            yield f"model {self.before.model or 'none'} to {self.after.model or 'none'}"
        elif group == "version":
            before, after = (as_text(posted.value("agent_version")) or "none" for posted in self._posted)
            yield f"version {before} to {after}"
        elif group == "tools" and self.tools:
            added, removed, changed = len(self.tools.added), len(self.tools.removed), len(self.tools.changed)
            if added or removed:
                yield _format_counts("tools", added, removed)
            if changed:
                yield f"{changed} tool{'' if changed == 1 else 's'} changed"
        else:
            yield group


def summarize_changes(pairs: Iterable[ConfigurationPair]) -> dict[ConfigurationPair, ChangeSummary]:
    """Return the summary of the changes within each pair, in one query for those that are not cached."""
    pairs = list(pairs)
    if missing := [pair for pair in pairs if pair not in _summary_cache]:
        if len(_summary_cache) + len(missing) > _MAX_CACHED_SUMMARIES:
            _summary_cache.clear()
        configurations = fetch_configurations(chain.from_iterable(missing))
        for before, after in missing:
            _summary_cache[before, after] = ConfigurationChanges(configurations[before], configurations[after]).summary
    return {pair: _summary_cache[pair] for pair in pairs if pair in _summary_cache}


def fetch_configurations(ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Configuration]:
    """Return configurations by id, in one query."""
    return Configuration.objects.in_bulk(list(dict.fromkeys(ids)))


def _format_counts(name: str, added: int, removed: int) -> str:
    """Return `instructions +2 -1`, without counts of 0."""
    counts = ((sign, count) for sign, count in (("+", added), (MINUS_SIGN, removed)) if count)
    return " ".join((name, *(f"{sign}{count:,}" for sign, count in counts)))


def _join_capitalized(words: Iterable[str]) -> str:
    joined = ", ".join(words)
    return joined[:1].upper() + joined[1:]
