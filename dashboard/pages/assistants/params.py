"""What the address of an assistant's page asks for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest

from dashboard.pages.assistants.links import SHORT_ID_LENGTH
from dashboard.web import query_params
from runs.analytics.versions import AssistantVersion, AssistantVersions
from runs.errors import Problem

# Of a change: how much time before and after it is compared.
COMPARISON_RANGES: dict[str, tuple[str, timedelta | None]] = {
    "24h": ("24 hours", timedelta(hours=24)),
    "48h": ("48 hours", timedelta(hours=48)),
    "7d": ("7 days", timedelta(days=7)),
    "30d": ("30 days", timedelta(days=30)),
    "all": ("all time", None),
}
DEFAULT_RANGE = "7d"
_NUMBER_PATTERN = re.compile("[1-9][0-9]{0,5}")
_ID_PREFIX_PATTERN = re.compile("[0-9a-f]{4,32}")


@dataclass(frozen=True, slots=True)
class AssistantDetailParams:
    """`version` is what came with a change, `base` what it is compared with; None is whatever is usual.

    `within` is a key of WITHIN, `upto` the number of the version that is listed first.
    """

    version: AssistantVersion | None = None
    base: AssistantVersion | None = None
    within: str = DEFAULT_RANGE
    upto: int | None = None

    @classmethod
    def of(cls, request: HttpRequest, known: AssistantVersions) -> AssistantDetailParams:
        """Raises InvalidFilter, one problem for each parameter that can't be meant."""
        given = query_params.read_query_params(request, "version", "base", "within", "upto")
        problems = [Problem(name, reason) for name, value in given.items() if (reason := _wrong(name, value, known))]
        if problems:
            raise query_params.build_params_error(*problems)
        found = {name: known.find(given[name]) for name in ("version", "base") if name in given}
        upto = int(given["upto"]) if "upto" in given else None
        return cls(found.get("version"), found.get("base"), given.get("within", DEFAULT_RANGE), upto)

    def query(self, **changes: Any) -> str:
        """The query string of the same with some of it changed; what is usual is left out."""
        asked = {"version": self.version, "base": self.base, "within": self.within, "upto": self.upto} | changes
        pairs = [(name, _written(value)) for name, value in asked.items() if value not in (None, DEFAULT_RANGE)]
        return "?" + urlencode(pairs)

    @property
    def words(self) -> str:
        """`7 days`."""
        return COMPARISON_RANGES[self.within][0]

    @property
    def length(self) -> timedelta | None:
        """None for all there is."""
        return COMPARISON_RANGES[self.within][1]


def _wrong(name: str, value: str, known: AssistantVersions) -> str:
    match name:
        case "within" if value not in COMPARISON_RANGES:
            return f"known are {', '.join(COMPARISON_RANGES)}"
        case "upto" if not _NUMBER_PATTERN.fullmatch(value) or int(value) > len(known.versions):
            return f"expected the number of a version, 1 to {len(known.versions)}"
        case "version" | "base" if not _ID_PREFIX_PATTERN.fullmatch(value):
            return "expected the first digits of a configuration's id"
        case "version" | "base" if known.find(value) is None:
            return f"no configuration of this assistant begins with '{value}'"
    return ""


def _written(value: Any) -> str:
    return value.id.hex[:SHORT_ID_LENGTH] if isinstance(value, AssistantVersion) else str(value)
