"""The values of one field of the query language that occur in a project.

Every read is bounded: rollups, a number of configurations, or the newest runs.
"""

from __future__ import annotations

from runs.models import Project
from runs.query import value_counts
from runs.query.fields import QueryField
from runs.query.operators import escape_like
from runs.query.value_counts import ValueCounts


def fetch_field_values(project: Project, field: QueryField, key: str | None, text: str) -> ValueCounts:
    """Return the values that contain `text` in any case with their numbers of runs, most frequent first.

    There are none for fields whose values are not counted, such as numbers and times.
    """
    pattern = f"%{escape_like(text)}%"
    if key is not None:
        counts = value_counts.fetch_metadata_value_counts(project, key, pattern)
    else:
        counts = field.fetch_values(project, pattern) if field.fetch_values else []
    return [pair for pair in counts if text.lower() in pair[0].lower()]


def fetch_metadata_keys_like(project: Project, text: str) -> ValueCounts:
    """Return the metadata keys that contain `text` in any case with their numbers of runs, most frequent first."""
    counts = value_counts.fetch_metadata_key_values(project, f"%{escape_like(text)}%")
    return [pair for pair in counts if text.lower() in pair[0].lower()]
