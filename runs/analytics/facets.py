"""Facets of the matching runs beyond their own columns: tools and functions, tags, and metadata.

They are counted over the newest matches, and the result says so if there are more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from math import log2
from typing import Any

from django.db import connection

from runs.analytics import recent_sample
from runs.models import Configuration, Project, RunSource
from runs.query import RunFilters
from runs.query.ast import Term
from runs.query.operators import escape_like
from runs.query.planner import QueryPlan

# Metadata keys that are shown without a search, and the values that are read of each key.
MAX_SHOWN_KEYS, MAX_SHOWN_VALUES = 3, 50
# A key with no more values is worth showing even if each run has another value.
ALWAYS_SHOWN_VALUES = 6
# Rows of metadata that a search reads: 20 keys with `MAX_SHOWN_VALUES` values each.
MAX_SEARCHED_VALUES = 20 * MAX_SHOWN_VALUES
# Longer values are not offered for selection.
MAX_FACET_VALUE_LENGTH = 200

# Metadata may be an array: one server sends an empty array for no metadata. Arrays have no keys.
_FACETS = """
    WITH newest AS MATERIALIZED ({newest}),
         sample AS MATERIALIZED (SELECT * FROM newest LIMIT {limit}),
         calls AS MATERIALIZED (
           SELECT DISTINCT sample.id, sample.configuration_id, call.type, call.name
             FROM sample JOIN run_step ON run_step.run_id = sample.id,
                  unnest(run_step.tool_types, run_step.tool_names) AS call (type, name)),
         pairs AS (
           SELECT key, value, count(*) AS runs
             FROM sample,
                  jsonb_each_text(CASE jsonb_typeof(metadata) WHEN 'object' THEN metadata ELSE '{{}}' END)
                    AS pair (key, value)
            WHERE value <> '' AND key <> '' {search_condition} GROUP BY 1, 2),
         ranked AS (
           SELECT key, value, runs,
                  row_number() OVER (PARTITION BY key ORDER BY runs DESC, value) AS place,
                  count(*) OVER (PARTITION BY key) AS value_count,
                  sum(runs) OVER (PARTITION BY key) AS run_count
             FROM pairs)
    SELECT 'newest', NULL, NULL, count(*), 0, 0 FROM newest
     UNION ALL
    SELECT 'configuration', configuration_id::text, NULL, count(*), 0, 0 FROM sample GROUP BY 2
     UNION ALL
    SELECT 'source', source::text, NULL, count(*), 0, 0 FROM sample GROUP BY 2
     UNION ALL
    SELECT 'called function', name, NULL, count(DISTINCT id), 0, 0 FROM calls WHERE type = 'function' GROUP BY 2
     UNION ALL
    SELECT 'called type', type, configuration_id::text, count(DISTINCT id), 0, 0 FROM calls GROUP BY 2, 3
     UNION ALL
    SELECT 'tag', tag, NULL, count(*), 0, 0
      FROM sample JOIN run_tag ON run_tag.run_id = sample.id GROUP BY 2
     UNION ALL
    (SELECT 'metadata', key, value, runs, value_count, run_count
       FROM ranked WHERE place <= {max_values} AND length(value) <= {max_length}
      ORDER BY run_count DESC, key, place LIMIT {max_rows})"""

# The attribute of `RelatedFacets` that has the values of a field.
_ATTRIBUTES = {
    "source": "sources",
    "tag": "tags",
    "function": "called_functions",
    "defines": "defined_functions",
    "tool": "tool_types",
}

# Values and their numbers of runs, most frequent first.
FacetCounts = tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class MetadataFacet:
    """A key of the metadata: its most frequent values, how many values it has, and how many runs have the key."""

    key: str
    counts: FacetCounts
    value_count: int
    run_count: int

    def entropy(self, runs: int) -> float:
        """Return the entropy of the values over `runs` runs, in bits; 0 for a key with too many values."""
        if (
            not runs
            or self.value_count > MAX_SHOWN_VALUES
            or self.value_count > max(ALWAYS_SHOWN_VALUES, self.run_count / 2)
        ):
            return 0.0
        shares = [count / runs for _, count in self.counts] + [1 - self.run_count / runs]
        return -sum(share * log2(share) for share in shares if share > 0)


@dataclass(frozen=True, slots=True)
class RelatedFacets:
    """Values with their numbers of runs, most frequent first, over the newest `sample_size` matches.

    `is_capped` says that there are more matches. `called_functions` and `defined_functions` are names of functions.
    """

    sample_size: int
    is_capped: bool
    sources: FacetCounts
    called_functions: FacetCounts
    tool_types: FacetCounts
    defined_functions: FacetCounts
    tags: FacetCounts
    metadata: tuple[MetadataFacet, ...]

    def most_informative_keys(self) -> list[MetadataFacet]:
        """Return the few keys of the metadata that divide the runs best."""
        ranked = sorted(self.metadata, key=lambda facet: -facet.entropy(self.sample_size))
        return [facet for facet in ranked[:MAX_SHOWN_KEYS] if facet.entropy(self.sample_size) > 0]


def fetch_alternative_facets(project: Project, filters: RunFilters, search_text: str = "") -> RelatedFacets:
    """Return the facets of the runs that match `filters`, with the other values of each field that these select.

    The counts of a field that the filters select values of are those without this selection. Two queries, and two for
    each such field.
    """
    related = fetch_related_facets(project, filters.plan(project), search_text)
    for field in dict.fromkeys((term.field, term.key) for term in iterate_selections(filters)):
        others = fetch_related_facets(project, _remove_selection(filters, *field).plan(project), search_text)
        related = _take_field(related, others, *field)
    return related


def iterate_selections(filters: RunFilters) -> Iterator[Term]:
    """Yield the terms that select values of facets: several values of a term are alternatives."""
    for term in filters.query_terms:
        if isinstance(term, Term) and (term.field in _ATTRIBUTES or term.field == "metadata"):
            yield term


def _remove_selection(filters: RunFilters, name: str, key: str | None) -> RunFilters:
    for term in iterate_selections(filters):
        if (term.field, term.key) == (name, key):
            filters = filters.without_term(term)
    return filters


def _take_field(related: RelatedFacets, others: RelatedFacets, name: str, key: str | None) -> RelatedFacets:
    """Return `related` with the counts that `others` have of one field."""
    if name != "metadata":
        return replace(related, **{_ATTRIBUTES[name]: getattr(others, _ATTRIBUTES[name])})
    taken = [facet for facet in others.metadata if facet.key == key]
    return replace(related, metadata=(*taken, *(facet for facet in related.metadata if facet.key != key)))


def fetch_related_facets(project: Project, plan: QueryPlan, search_text: str = "") -> RelatedFacets:
    """Return the facets of the matches of `plan`; two queries.

    Of the metadata, only keys and values that contain `search_text` are counted.
    """
    condition, is_bounded = plan.build_count_condition()
    limit = recent_sample.MAX_SAMPLE_SIZE
    columns = ("created_at", "configuration_id", "metadata", "source")
    newest, params = recent_sample.select_recent_runs(project, condition, limit, columns)
    statement = _FACETS.format(
        newest=newest,
        limit=int(limit),
        search_condition="AND (key ILIKE %s OR value ILIKE %s)" if search_text else "",
        max_values=MAX_SHOWN_VALUES,
        max_length=MAX_FACET_VALUE_LENGTH,
        max_rows=MAX_SEARCHED_VALUES,
    )
    search_params = [f"%{escape_like(search_text)}%"] * 2 if search_text else []
    with connection.cursor() as cursor:
        cursor.execute(statement, (*params, *search_params))
        rows = cursor.fetchall()
    newest_count = next(row[3] for row in rows if row[0] == "newest")
    sample_size = min(newest_count, limit)
    tool_types, defined_functions = _count_tools(project, rows)
    return RelatedFacets(
        sample_size=sample_size,
        is_capped=is_bounded or newest_count > sample_size,
        sources=_rank(_count_sources(rows)),
        called_functions=_rank(_counts_of("called function", rows)),
        tool_types=_rank(tool_types),
        defined_functions=_rank(defined_functions),
        tags=_rank(_counts_of("tag", rows)),
        metadata=tuple(_build_metadata_facets(rows)),
    )


def _counts_of(kind: str, rows: Iterable[tuple[Any, ...]]) -> Counter[str]:
    return Counter({row[1]: row[3] for row in rows if row[0] == kind})


def _count_sources(rows: Iterable[tuple[Any, ...]]) -> Counter[str]:
    return Counter({RunSource(int(source)).label: runs for source, runs in _counts_of("source", rows).items()})


def _count_tools(project: Project, rows: list[tuple[Any, ...]]) -> tuple[Counter[str], Counter[str]]:
    """Return the runs by type of tool that they have or called, and by function that they have."""
    runs_by_configuration = _counts_of("configuration", rows)
    configurations = Configuration.objects.filter(project=project, pk__in=list(runs_by_configuration))
    types, functions, configured = Counter[str](), Counter[str](), set[tuple[str, str]]()
    for pk, tool_types, function_names in configurations.values_list("pk", "tool_types", "function_names"):
        configuration_id = str(pk)
        types.update(dict.fromkeys(tool_types, runs_by_configuration[configuration_id]))
        functions.update(dict.fromkeys(function_names, runs_by_configuration[configuration_id]))
        configured.update((configuration_id, tool_type) for tool_type in tool_types)
    # Add the runs that called a type which their configuration does not have.
    for kind, tool_type, configuration_id, runs, *_ in rows:
        if kind == "called type" and (configuration_id, tool_type) not in configured:
            types[tool_type] += runs
    return types, functions


def _build_metadata_facets(rows: Iterable[tuple[Any, ...]]) -> Iterator[MetadataFacet]:
    rows_by_key: dict[str, list[tuple[Any, ...]]] = {}
    for row in rows:
        if row[0] == "metadata":
            rows_by_key.setdefault(row[1], []).append(row)
    for key, values in rows_by_key.items():
        counts = tuple((value, runs) for _, _, value, runs, *_ in values)
        *_, value_count, run_count = values[0]
        yield MetadataFacet(key, counts, int(value_count), int(run_count))


def _rank(counter: Counter[str]) -> FacetCounts:
    return tuple(sorted(counter.items(), key=lambda pair: (-pair[1], pair[0])))
