"""The values of one field of the query language that occur in a project.

Every read is bounded: rollups, a number of configurations, or the newest runs.
"""

from __future__ import annotations

from runs.models import Project
from runs.query import value_counts
from runs.query.ast import format_key
from runs.query.fields import FIELDS_BY_NAME, QueryField
from runs.query.operators import escape_like
from runs.query.run_filters import RunFilters
from runs.query.value_counts import CountedRuns, ValueCounts

NO_FILTERS = RunFilters()


def fetch_field_values(
    project: Project, field: QueryField, key: str | None, text: str, filters: RunFilters = NO_FILTERS
) -> ValueCounts:
    """Return the values that contain `text` in any case with their numbers of runs, most frequent first.

    There are none for fields whose values are not counted, such as numbers and times. With `filters`, only the
    matching runs are counted.
    """
    pattern = f"%{escape_like(text)}%"
    runs = _select_counted_runs(project, field, key, filters)
    if key is not None:
        counts = value_counts.fetch_metadata_value_counts(runs, key, pattern)
    else:
        counts = field.fetch_values(runs, pattern) if field.fetch_values else []
    return [pair for pair in counts if text.lower() in pair[0].lower()]


def fetch_metadata_keys_like(project: Project, text: str, filters: RunFilters = NO_FILTERS) -> ValueCounts:
    """Return the metadata keys that contain `text` in any case with their numbers of runs, most frequent first."""
    runs = _select_counted_runs(project, FIELDS_BY_NAME["metadata"], None, filters)
    counts = value_counts.fetch_metadata_key_values(runs, f"%{escape_like(text)}%")
    return [pair for pair in counts if text.lower() in pair[0].lower()]


def _select_counted_runs(project: Project, field: QueryField, key: str | None, filters: RunFilters) -> CountedRuns:
    """Return the runs that match `filters`; of fields that few runs have, those that have a value."""
    if key is not None:
        filters = filters.narrow(f"{field.name}.{format_key(key)}:*")
    elif field.fetch_values and field.rollup is None and not field.most_have_values:
        filters = filters.narrow(f"{field.name}:*")
    condition = filters.plan(project).build_count_condition()[0] if filters else None
    return CountedRuns(project, condition)
