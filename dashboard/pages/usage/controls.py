"""The switches of the usage page: each is a link to another side of the same question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dashboard.pages.usage.links import UsageLinks
from dashboard.ui.filter_controls import FilterToken
from runs.analytics.usage import USAGE_MEASURES, USAGE_RANGES, UsageSplit

_SPLITS = ("model", "assistant", "status", "kind")
_MAX_METADATA_TABS = 3


@dataclass(frozen=True, slots=True)
class UsageOption:
    """One of several."""

    label: str
    url: str
    current: bool


@dataclass(frozen=True, slots=True)
class UsageControls:
    """`keys` are those of the metadata, the most frequent first."""

    links: UsageLinks
    keys: Sequence[str]

    @property
    def measures(self) -> list[UsageOption]:
        """What is looked at. Kinds are those of tokens alone, so another measure is by model."""
        asked = self.links.question
        return [
            UsageOption(
                name.capitalize(),
                self.links.of(measure=name, **({"split": UsageSplit("model")} if asked.split.name == "kind" else {})),
                name == asked.measure,
            )
            for name in USAGE_MEASURES
        ]

    @property
    def ranges(self) -> list[UsageOption]:
        """The time that is looked at."""
        asked = self.links.question
        return [
            UsageOption(
                f"{name[:-1]} {name[-1]}",
                self.links.of(range=name, requested_filters=asked.filters),
                name == asked.range,
            )
            for name in USAGE_RANGES
        ]

    @property
    def splits(self) -> list[UsageOption]:
        """By what it is divided."""
        return [self._split(UsageSplit(name)) for name in _SPLITS]

    @property
    def by_key(self) -> list[UsageOption]:
        """The same by a key of the metadata."""
        return [self._split(UsageSplit("metadata", key)) for key in self.keys]

    @property
    def tabs(self) -> list[UsageOption]:
        """The likeliest splits, and the one that is."""
        asked = self.links.question.split
        fields = [UsageSplit("model"), UsageSplit("assistant"), UsageSplit("status")]
        keys = [UsageSplit("metadata", key) for key in self.keys[:_MAX_METADATA_TABS]]
        other = [] if asked in (*fields, *keys) else [asked]
        return [self._split(each) for each in (*fields, *other, *keys)]

    def _split(self, split: UsageSplit) -> UsageOption:
        measure = {"measure": "tokens"} if split.name == "kind" else {}
        label = "Prompt and completion" if split.name == "kind" else split.label
        return UsageOption(label, self.links.of(split=split, **measure), split == self.links.question.split)

    @property
    def split_label(self) -> str:
        """At the closed menu: `Split by model`."""
        split = self.links.question.split
        words = "prompt and completion" if split.name == "kind" else split.label if split.key else split.name
        return f"Split by {words}"

    @property
    def tokens(self) -> list[FilterToken]:
        """What is filtered by beside the query field, and the page without each of it."""
        question = self.links.question
        pairs = [pair for pair in question.filters.to_params() if pair[0] != "q"]
        return [
            FilterToken(name, value, self.links.of(requested_filters=question.requested_filters.toggle(name, value)))
            for name, value in pairs
        ]

    @property
    def without_query(self) -> list[tuple[str, str]]:
        """The parameters for the form of the query field to keep."""
        return [pair for pair in self._pairs() if pair[0] != "q"]

    @property
    def without_split(self) -> list[tuple[str, str]]:
        """Those for the form in which a key is typed."""
        return [pair for pair in self._pairs() if pair[0] != "split"]

    @property
    def timeless(self) -> list[tuple[str, str]]:
        """Those for the form of times."""
        return [pair for pair in self._pairs() if pair[0] not in ("from", "to", "range")]

    def _pairs(self) -> list[tuple[str, str]]:
        return [pair for pair in self.links.question.params() if pair[1]]

    @property
    def query_text(self) -> str:
        return str(self.links.question.requested_filters.q or "")

    @property
    def from_value(self) -> str:
        return f"{self.links.question.since:%Y-%m-%dT%H:%M:%S}"

    @property
    def to_value(self) -> str:
        return f"{self.links.question.until:%Y-%m-%dT%H:%M:%S}"

    @property
    def times_label(self) -> str:
        """At the menu of times: what was given, where no range was named."""
        asked = self.links.question
        if asked.range:
            return "From, to"
        return f"{asked.since:%Y-%m-%d %H:%M} to {asked.until:%Y-%m-%d %H:%M}"

    @property
    def clear_url(self) -> str:
        """The page of all runs."""
        asked = self.links.question.requested_filters
        times_only = type(asked)(since=asked.since, until=asked.until)
        return self.links.of(requested_filters=times_only)
