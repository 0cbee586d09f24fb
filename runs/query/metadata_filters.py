"""The target of questions for metadata, of whose values the project knows most."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import F, Q, Value

from runs.db import lookups
from runs.query.operators import Given, Is, Like, Match
from runs.query.sql_targets import NOTHING, Scope, any_of, unexpected

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,15})?")


@dataclass(frozen=True, slots=True)
class Metadata:
    """The value of one key of the run's metadata."""

    def where(self, matches: tuple[Match, ...], key: str | None, scope: Scope) -> Q:
        assert key is not None  # noqa: S101 - the language refuses a field with keys without one
        known = scope.metadata_values(key, matches)
        if known is not None and not known:
            return NOTHING
        return any_of(self._one(match, key, known) for match in matches)

    def _one(self, match: Match, key: str, known: Iterable[str] | None) -> Q:
        match match:
            case Given():
                return Q(metadata__has_key=key)
            case Is(value):
                return self._has(key, value)
            case Like():
                text = lookups.JsonText(F("metadata"), Value(key))
                like = Q(metadata__has_key=key) & Q(lookups.Like(text, match.sql))
                # no index knows of patterns; but of the values that are meant
                return like if known is None else like & any_of(self._has(key, value) for value in known)
        raise unexpected(match)

    def _has(self, key: str, value: str) -> Q:
        return any_of(Q(metadata__contains={key: each}) for each in _spellings(value))


def _spellings(value: str) -> list[Any]:
    """A value as text, and as the number or the truth value that servers post in its place."""
    found: list[Any] = [value]
    if _NUMBER.fullmatch(value) or value in ("true", "false"):
        found.append(json.loads(value))
    return found
