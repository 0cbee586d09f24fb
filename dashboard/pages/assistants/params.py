"""The query parameters of the list of assistants and of an assistant's page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from dashboard.pages.assistants.assistant_rows import DEFAULT_ASSISTANT_SORT, AssistantSort
from dashboard.web.query_params import (
    QueryParams,
    build_params_error,
    parse_choice,
    parse_integer,
    query_param,
    run_filters,
)
from runs.analytics.versions import AssistantVersion, AssistantVersions
from runs.errors import Problem
from runs.query import RunFilters

MAX_PAGE = 9_999
MAX_VERSION_NUMBER = 999_999
# Digits of a configuration's id in URLs: enough to tell it from the other configurations of an assistant.
SHORT_ID_LENGTH = 12
_ID_PREFIX_PATTERN = re.compile("[0-9a-f]{4,32}")


class ComparisonRange(StrEnum):
    """Length of the time before and after a change that is compared."""

    DAY = "24h"
    TWO_DAYS = "48h"
    WEEK = "7d"
    MONTH = "30d"
    ALL = "all"

    @property
    def length(self) -> timedelta | None:
        """The time on each side of the change; None for all time."""
        return _RANGES[self][0]

    @property
    def label(self) -> str:
        """The name in the menu, such as `7 days`."""
        return _RANGES[self][1]


_RANGES: dict[ComparisonRange, tuple[timedelta | None, str]] = {
    ComparisonRange.DAY: (timedelta(hours=24), "24 hours"),
    ComparisonRange.TWO_DAYS: (timedelta(hours=48), "48 hours"),
    ComparisonRange.WEEK: (timedelta(days=7), "7 days"),
    ComparisonRange.MONTH: (timedelta(days=30), "30 days"),
    ComparisonRange.ALL: (None, "all time"),
}


def shorten_version_id(version: AssistantVersion) -> str:
    """Return the first digits of the id of a version, as URLs have it."""
    return version.id.hex[:SHORT_ID_LENGTH]


def parse_id_prefix(text: str) -> str:
    """Parse the first digits of a configuration's id. Raises ValueError."""
    if not _ID_PREFIX_PATTERN.fullmatch(text):
        raise ValueError(f"expected 4 to 32 hexadecimal digits of a configuration's id, got '{text}'")
    return text


@dataclass(frozen=True, slots=True)
class AssistantListParams(QueryParams):
    """The parameters of the list of assistants: filters of their runs, sort order and page."""

    filters: RunFilters = run_filters()
    sort: AssistantSort = query_param(AssistantSort.parse, default=DEFAULT_ASSISTANT_SORT)
    page: int = query_param(parse_integer(1, MAX_PAGE), default=1)


@dataclass(frozen=True, slots=True)
class AssistantDetailParams(QueryParams):
    """The parameters of an assistant's page.

    `version` and `base` are the first digits of the ids of the versions to compare; "" selects the usual ones.
    `upto` is the number of the newest version in the list; None for the newest of all.
    """

    version: str = query_param(parse_id_prefix, default="")
    base: str = query_param(parse_id_prefix, default="")
    within: ComparisonRange = query_param(parse_choice(ComparisonRange), default=ComparisonRange.WEEK)
    upto: int | None = query_param(parse_integer(1, MAX_VERSION_NUMBER), default=None)

    def check_versions(self, known: AssistantVersions) -> None:
        """Raise InvalidFilter if a parameter names a version that the assistant does not have."""
        problems = list(self._find_unknown_versions(known))
        if problems:
            raise build_params_error(*problems)

    def _find_unknown_versions(self, known: AssistantVersions) -> Iterator[Problem]:
        for name, prefix in (("version", self.version), ("base", self.base)):
            if prefix and known.find(prefix) is None:
                yield Problem(name, f"no configuration of this assistant begins with '{prefix}'")
        if self.upto is not None and self.upto > len(known.versions):
            yield Problem("upto", f"expected the number of a version, 1 to {len(known.versions)}, got '{self.upto}'")
