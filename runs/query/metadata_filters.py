"""The target of questions for metadata, of whose values the project knows most."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import F, Q, Value

from runs.db import lookups
from runs.query.operators import Equals, Exists, Operator, Wildcard
from runs.query.sql_targets import MATCH_NONE, QueryScope, combine_or, unsupported_operator

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,15})?")


@dataclass(frozen=True, slots=True)
class MetadataTarget:
    """The value of one key of the run's metadata."""

    def where(self, matches: tuple[Operator, ...], key: str | None, scope: QueryScope) -> Q:
        assert key is not None  # noqa: S101 - the language refuses a field with keys without one
        known = scope.metadata_values(key, matches)
        if known is not None and not known:
            return MATCH_NONE
        return combine_or(self._one(match, key, known) for match in matches)

    def _one(self, match: Operator, key: str, known: Iterable[str] | None) -> Q:
        match match:
            case Exists():
                return Q(metadata__has_key=key)
            case Equals(value):
                return self._has(key, value)
            case Wildcard():
                text = lookups.JsonExtractText(F("metadata"), Value(key))
                like = Q(metadata__has_key=key) & Q(lookups.LikeLookup(text, match.sql))
                # no index knows of patterns; but of the values that are meant
                return like if known is None else like & combine_or(self._has(key, value) for value in known)
        raise unsupported_operator(match)

    def _has(self, key: str, value: str) -> Q:
        return combine_or(Q(metadata__contains={key: each}) for each in _spellings(value))


def _spellings(value: str) -> list[Any]:
    """A value as text, and as the number or the truth value that servers post in its place."""
    found: list[Any] = [value]
    if _NUMBER.fullmatch(value) or value in ("true", "false"):
        found.append(json.loads(value))
    return found
