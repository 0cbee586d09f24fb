"""Count ingested objects."""

from __future__ import annotations

from collections import Counter as Counts
from collections.abc import Iterable, Mapping
from enum import StrEnum

from prometheus_client import Counter

INGESTED_OBJECTS = Counter(
    "runglass_ingested_objects", "Posted and imported objects by kind and outcome", ["kind", "outcome"]
)
_REJECTED = "rejected"


def count_ingested(received: Mapping[str, int], outcomes: Iterable[tuple[str, StrEnum]]) -> None:
    """Count the objects of a request: `received` ones by kind, and the kind and outcome of each valid one."""
    valid = Counts[str]()
    for (kind, outcome), count in Counts(outcomes).items():
        INGESTED_OBJECTS.labels(kind, outcome.value).inc(count)
        valid[kind] += count
    for kind, count in (Counts(received) - valid).items():
        INGESTED_OBJECTS.labels(kind, _REJECTED).inc(count)
