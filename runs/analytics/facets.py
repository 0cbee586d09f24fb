"""How the matching runs divide by what lies beside them: the tools they have and called, their tags, their metadata.

Counted over the newest matches, of all where there are few enough, and said so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import log2
from typing import Any

from django.db import connection

from runs.analytics import recent_sample
from runs.models import Configuration, Project
from runs.query.operators import escape_like
from runs.query.planner import QueryPlan

# Metadata keys that are shown unasked, and their values that are read.
MAX_SHOWN_KEYS, MAX_SHOWN_VALUES = 3, 50
# So many are worth showing even where every run has another.
ALWAYS_SHOWN_VALUES = 6
# Rows of metadata that are read where somebody looks for some: so many keys with all of their values.
MAX_SEARCHED_VALUES = 20 * MAX_SHOWN_VALUES
# A longer text is no value that people choose by.
MAX_FACET_VALUE_LENGTH = 200

# an array, which one server sends for none, has no keys
_STATEMENT = """
    WITH found AS MATERIALIZED ({found}),
         counted AS MATERIALIZED (SELECT * FROM found LIMIT {most}),
         calls AS MATERIALIZED (
           SELECT DISTINCT counted.id, counted.configuration_id, call.kind, call.name
             FROM counted JOIN run_step ON run_step.run_id = counted.id,
                  unnest(run_step.tool_types, run_step.tool_names) AS call (kind, name)),
         pairs AS (
           SELECT key, value, count(*) AS runs
             FROM counted,
                  jsonb_each_text(CASE jsonb_typeof(metadata) WHEN 'object' THEN metadata ELSE '{{}}' END)
                    AS pair (key, value)
            WHERE value <> '' {wanted} GROUP BY 1, 2),
         ranked AS (
           SELECT key, value, runs, row_number() OVER (PARTITION BY key ORDER BY runs DESC, value) AS place,
                  count(*) OVER (PARTITION BY key) AS values, sum(runs) OVER (PARTITION BY key) AS covered
             FROM pairs)
    SELECT 'seen', NULL, NULL, count(*), 0, 0 FROM found
    UNION ALL SELECT 'configuration', configuration_id::text, NULL, count(*), 0, 0 FROM counted GROUP BY 2
    UNION ALL SELECT 'called', name, NULL, count(DISTINCT id), 0, 0 FROM calls WHERE kind = 'function' GROUP BY 2
    UNION ALL SELECT 'kind', kind, configuration_id::text, count(DISTINCT id), 0, 0 FROM calls GROUP BY 2, 3
    UNION ALL SELECT 'tag', tag, NULL, count(*), 0, 0 FROM counted JOIN run_tag ON run_tag.run_id = counted.id GROUP BY 2
    UNION ALL (SELECT 'metadata', key, value, runs, values, covered FROM ranked
                WHERE place <= {values} AND length(value) <= {longest} ORDER BY covered DESC, key, place LIMIT {found_most})"""  # noqa: E501

FacetCounts = tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class MetadataFacet:
    """A key of the metadata: its most frequent values, how many it has, and how many runs have it."""

    key: str
    counts: FacetCounts
    value_count: int
    run_count: int

    def entropy(self, runs: int) -> float:
        """How much it tells apart of so many runs, in bits a run; a key that has a value for each tells nothing."""
        if self.value_count > MAX_SHOWN_VALUES or self.value_count > max(ALWAYS_SHOWN_VALUES, self.run_count / 2):
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
    called_functions: FacetCounts
    tool_types: FacetCounts
    defined_functions: FacetCounts
    tags: FacetCounts
    metadata: tuple[MetadataFacet, ...]

    def most_informative_keys(self) -> list[MetadataFacet]:
        """The few keys of the metadata that divide the runs best."""
        ranked = sorted(self.metadata, key=lambda key: -key.entropy(self.sample_size))
        return [key for key in ranked[:MAX_SHOWN_KEYS] if key.entropy(self.sample_size) > 0]


def fetch_related_facets(project: Project, search: QueryPlan, text: str = "") -> RelatedFacets:
    """The facets of what `search` asks for; of metadata, what contains `text` in its key or its value. Two queries."""
    condition, bounded = search.build_count_condition()
    columns = ("created_at", "configuration_id", "metadata")
    found, parameters = recent_sample.select_recent_runs(project, condition, recent_sample.MAX_SAMPLE_SIZE, columns)
    pattern = f"%{escape_like(text)}%"
    statement = _STATEMENT.format(
        found=found, most=int(recent_sample.MAX_SAMPLE_SIZE),
        wanted="AND (key ILIKE %s OR value ILIKE %s)" if text else "",
        values=MAX_SHOWN_VALUES, longest=MAX_FACET_VALUE_LENGTH, found_most=MAX_SEARCHED_VALUES,
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(statement, (*parameters, *([pattern, pattern] if text else [])))
        rows = cursor.fetchall()
    seen = next(row[3] for row in rows if row[0] == "seen")
    counted = min(seen, recent_sample.MAX_SAMPLE_SIZE)
    kinds, defined = _configured(project, rows)
    return RelatedFacets(
        counted, bounded or seen > counted, _ranked(_of("called", rows)), _ranked(kinds), _ranked(defined),
        _ranked(_of("tag", rows)), tuple(_keys(rows)),
    )  # fmt: skip


def _of(what: str, rows: Iterable[tuple[Any, ...]]) -> Counter[str]:
    return Counter({row[1]: row[3] for row in rows if row[0] == what})


def _configured(project: Project, rows: list[tuple[Any, ...]]) -> tuple[Counter[str], Counter[str]]:
    """Kinds of tools, by configuration or by call, and defined functions."""
    runs = _of("configuration", rows)
    found = Configuration.objects.filter(project=project, pk__in=list(runs))
    kinds, defined, has = Counter[str](), Counter[str](), set[tuple[str, str]]()
    for pk, types, names in found.values_list("pk", "tool_types", "function_names"):
        kinds.update(dict.fromkeys(types, runs[str(pk)]))
        defined.update(dict.fromkeys(names, runs[str(pk)]))
        has.update((str(pk), kind) for kind in types)
    for what, kind, configuration, count, *_ in rows:
        if what == "kind" and (configuration, kind) not in has:
            kinds[kind] += count
    return kinds, defined


def _keys(rows: Iterable[tuple[Any, ...]]) -> Iterator[MetadataFacet]:
    by_key: dict[str, list[tuple[Any, ...]]] = {}
    for row in rows:
        if row[0] == "metadata":
            by_key.setdefault(row[1], []).append(row)
    for name, each in by_key.items():
        yield MetadataFacet(name, tuple((row[2], row[3]) for row in each), int(each[0][4]), int(each[0][5]))


def _ranked(counter: Counter[str]) -> FacetCounts:
    return tuple(sorted(counter.items(), key=lambda pair: (-pair[1], pair[0])))
