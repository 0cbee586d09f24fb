"""Benchmark of run lists and pages before and after responses and spans are stored beside the runs of assistants.

`uv run python -m tests.benchmarks.mixed` fills a database with runs, sends queries of the run list and all other
pages, stores responses and traces, and sends them again. It prints the least time of each, which other work on the
machine disturbs least, and the ratios.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from tests.benchmarks.clients import create_api_client, create_browser_client
from tests.benchmarks.dataset import DAYS, load_project, open_directory, run_in_process, setup_django
from tests.benchmarks.pages import list_pages
from tests.benchmarks.queries import BenchmarkQuery
from tests.benchmarks.reading import measure_query, measure_url
from tests.benchmarks.responses import build_response
from tests.benchmarks.site import BATCH_SIZE, build_batches, encode_json
from tests.benchmarks.spans import SPANS_PER_TRACE, build_export, generate_spans

if TYPE_CHECKING:
    from django.test import Client

    from runs.models import Project

QUERIES = (
    BenchmarkQuery("newest", has_facets=True),
    BenchmarkQuery("status", "status:failed"),
    BenchmarkQuery("metadata", "metadata.customer:oscorp"),
    BenchmarkQuery("function", "function:lookup_order"),
    BenchmarkQuery("words", "order"),
    BenchmarkQuery("source", "source:assistants"),
    BenchmarkQuery("source", "source:responses", has_facets=True),
    BenchmarkQuery("source", "source:otel"),
    BenchmarkQuery("source and status", "source:responses status:failed"),
    BenchmarkQuery("sorted", sort="-tokens"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=200_000)
    parser.add_argument("--responses", type=int, default=50_000)
    parser.add_argument("--traces", type=int, default=10_000, help=f"traces of {SPANS_PER_TRACE} spans (10000)")
    parser.add_argument("--repeat", type=int, default=15)
    arguments = parser.parse_args()
    with open_directory(None) as directory:
        before, after = run_in_process(_measure_both, directory, arguments)
    print(f"\n{'milliseconds, least':<66}{'runs':>8}{'mixed':>8}{'ratio':>8}")
    for name, least in after.items():
        print(f"{name:<66}{before[name]:>8.1f}{least:>8.1f}{least / before[name]:>8.2f}")
    print(f"median of all ratios: {median(least / before[name] for name, least in after.items()):.2f}")


def _measure_both(directory: Path, arguments: argparse.Namespace) -> tuple[dict[str, float], dict[str, float]]:
    """Return the milliseconds of each query and page before and after today's agents are stored."""
    setup_django(directory)
    project = load_project(arguments.runs)
    clients = create_api_client(project), create_browser_client(project)
    pages = list(list_pages(project))
    before = dict(_measure(project, clients, pages, arguments.repeat))
    _store_today(project, clients[0], arguments.responses, arguments.traces)
    return before, dict(_measure(project, clients, pages, arguments.repeat))


def _measure(
    project: Project, clients: tuple[Client, Client], pages: list[tuple[str, str, int]], repeat: int
) -> Iterator[tuple[str, float]]:
    """Yield the name and the least milliseconds of each query and page."""
    for query in QUERIES:
        for result in measure_query(project, query, clients, repeat):
            yield f"{result.interface:<7}{result.name}", min(result.times.total)
    for name, url, _ in pages:
        yield f"page   {name}", min(measure_url(clients[1], url, repeat).total)


def _store_today(project: Project, client: Client, responses: int, traces: int) -> None:
    """Store responses and traces over the time of the runs, then do what the maintenance process does."""
    from django.db import connection

    from runs.enrichment.search_index import index_search_texts
    from runs.rollups import compaction

    now, seconds = int(time.time()), DAYS * 86_400
    values = (build_response(1, number, now - number * seconds // responses) for number in range(responses))
    for body in build_batches([encode_json(value) for value in values]):
        _post(client, "/api/v1/responses", body)
    spans = generate_spans(1, seconds)
    for _ in range(traces * SPANS_PER_TRACE // BATCH_SIZE):
        _post(client, "/v1/traces", build_export(list(islice(spans, BATCH_SIZE))))
    while index_search_texts(project, rest_factor=0.0):
        pass
    compaction.compact_rollups(project)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")


def _post(client: Client, path: str, body: bytes) -> None:
    response: Any = client.post(path, body, content_type="application/json")
    if response.status_code >= 300:
        raise RuntimeError(f"{path} answered {response.status_code}: {response.content[:500]!r}")


if __name__ == "__main__":
    main()
