"""What differs between two configurations: in a few words for lists, and in full for the version that is shown."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

from dashboard.ui import comparison_rows, field_changes, text_diff, tool_diff
from dashboard.ui.comparison_rows import ComparisonRow, get_posted_value
from dashboard.ui.field_changes import FieldChange
from dashboard.ui.posted_object import PostedObject, as_text
from dashboard.ui.text_diff import TextDiff
from dashboard.ui.tool_diff import ToolsDiff
from runs.models import Configuration
from runs.protocol import lossless_json

# How fields are called together.
_FIELD_GROUPS = {
    "instructions": "instructions",
    "tools": "tools",
    "model": "model",
    **dict.fromkeys(("temperature", "top_p", "reasoning_effort"), "sampling"),
    **dict.fromkeys(("max_prompt_tokens", "max_completion_tokens", "truncation_strategy"), "limits"),
}
_MINUS = "\N{MINUS SIGN}"
_MAX_CACHED_SUMMARIES = 4_000

ConfigurationPair = tuple[uuid.UUID, uuid.UUID]


@dataclass(frozen=True, slots=True)
class ChangeSummary:
    """`Instructions, tools`, and `Instructions +2 -1, tools +1, 1 tool changed`."""

    short: str
    long: str


FIRST_VERSION = ChangeSummary("First seen", "First seen")
# Configurations never change, so neither does what differs between two of them.
_summary_cache: dict[ConfigurationPair, ChangeSummary] = {}


@dataclass(frozen=True)
class ConfigurationChanges:
    """From one configuration to another, field by field."""

    before: Configuration
    after: Configuration

    @cached_property
    def summary(self) -> ChangeSummary:
        kinds = dict.fromkeys(_FIELD_GROUPS.get(field.name, field.name) for field in self.fields)
        if not kinds:
            return ChangeSummary("Spelling", "The same, spelled otherwise")
        return ChangeSummary(_listed(kinds), _listed(chain.from_iterable(map(self._said, kinds))))

    @cached_property
    def fields(self) -> list[FieldChange]:
        """All that differ."""
        return field_changes.diff_fields(
            *(lossless_json.split_object(each.body.encode()) for each in (self.before, self.after))
        )

    @cached_property
    def instructions(self) -> TextDiff | None:
        """None where they are the same."""
        is_changed = any(field.name == "instructions" for field in self.fields)
        texts = (as_text(posted.value("instructions")) or "" for posted in self._posted)
        return text_diff.diff_text(*texts) if is_changed else None

    @cached_property
    def tools(self) -> ToolsDiff:
        """Functions by their names, their schemas by JSON pointer."""
        before, after = self._posted
        return tool_diff.diff_tools(before.list_value("tools"), after.list_value("tools"))

    @property
    def settings(self) -> list[ComparisonRow]:
        """Every other field that differs, before and after."""
        before, after = self._posted
        names = [field.name for field in self.fields if field.name not in ("instructions", "tools")]
        rows = chain.from_iterable(
            comparison_rows.build_field_rows(name, get_posted_value(before, name), get_posted_value(after, name))
            for name in names
        )
        return [row for row in rows if row.differs]

    @cached_property
    def _posted(self) -> tuple[PostedObject, PostedObject]:
        before, after = (
            PostedObject(lossless_json.split_object(each.body.encode())) for each in (self.before, self.after)
        )
        return before, after

    def _said(self, kind: str) -> Iterator[str]:
        if kind == "instructions" and self.instructions:
            yield _counted(kind, self.instructions.added, self.instructions.removed)
        elif kind == "model":
            yield f"model {self.before.model or 'none'} to {self.after.model or 'none'}"
        elif kind == "tools" and self.tools:
            yield from self._said_of_tools()
        else:
            yield kind

    def _said_of_tools(self) -> Iterator[str]:
        added, removed, changed = len(self.tools.added), len(self.tools.removed), len(self.tools.changed)
        if added or removed:
            yield _counted("tools", added, removed)
        if changed:
            yield f"{changed} tool{'' if changed == 1 else 's'} changed"


def summarize_changes(pairs: Iterable[ConfigurationPair]) -> dict[ConfigurationPair, ChangeSummary]:
    """What differs within each pair, from the first to the second; one query for those that nobody asked for before."""
    wanted = list(pairs)
    if missing := [pair for pair in wanted if pair not in _summary_cache]:
        if len(_summary_cache) + len(missing) > _MAX_CACHED_SUMMARIES:
            _summary_cache.clear()
        found = fetch_configurations(chain.from_iterable(missing))
        _summary_cache.update({pair: ConfigurationChanges(*(found[each] for each in pair)).summary for pair in missing})
    return {pair: _summary_cache[pair] for pair in wanted if pair in _summary_cache}


def fetch_configurations(ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Configuration]:
    """Configurations by their ids; one query."""
    return Configuration.objects.in_bulk(list(dict.fromkeys(ids)))


def _counted(what: str, added: int, removed: int) -> str:
    """`instructions +2 -1`, without what is 0."""
    counts = ((sign, count) for sign, count in (("+", added), (_MINUS, removed)) if count)
    return " ".join((what, *(f"{sign}{count:,}" for sign, count in counts)))


def _listed(words: Iterable[str]) -> str:
    listed = ", ".join(words)
    return listed[:1].upper() + listed[1:]
