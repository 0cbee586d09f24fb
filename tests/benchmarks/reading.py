"""Benchmark of run lists: how long they take, and how much longer with a hundred times as many runs.

`uv run python -m tests.benchmarks.reading` fills two databases with runs of the demo generator, sends all `queries` to
the REST API and the page of both, and prints the times of the larger one with their growth. It fails if Postgres
discards more than `MAX_DISCARDED_ROWS` rows for one page.

Times are those of whole requests in this process, through Django's test client and all middleware, without the
socket. `python` is the CPU time of this process.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from typing import TYPE_CHECKING, Any

from tests.benchmarks.clients import create_api_client, create_browser_client
from tests.benchmarks.dataset import load_project, open_directory, run_in_process, setup_django
from tests.benchmarks.queries import BenchmarkQuery, build_queries

if TYPE_CHECKING:
    from django.test import Client

    from runs.models import Project
    from runs.query import RunFilters

SMALL_RUN_COUNT = 10_000
PAGE_SIZE = 50
MAX_DISCARDED_ROWS = 20_000
MAX_SECONDS = 4.0  # per URL, which is requested at least twice


@dataclass
class Times:
    """Milliseconds of each repetition: in total, of CPU time of this process, and of waiting for the database."""

    total: list[float] = field(default_factory=list)
    python: list[float] = field(default_factory=list)
    database: list[float] = field(default_factory=list)

    @property
    def p50(self) -> float:
        return median(self.total)

    @property
    def p95(self) -> float:
        return quantiles(self.total, n=20, method="inclusive")[-1] if len(self.total) > 1 else self.total[0]


@dataclass
class QueryResult:
    """The times of a query through one interface, and the rows that Postgres read and discarded for it."""

    name: str
    interface: str
    times: Times
    discarded: int = 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1_000_000, help="runs of the larger database (1000000)")
    parser.add_argument("--repeat", type=int, default=15, help="repetitions after the first request (15)")
    parser.add_argument("--keep", type=Path, help="keep the databases in this directory and reuse them")
    parser.add_argument("--only", default="", help="only send queries whose name contains this")
    arguments = parser.parse_args()
    with open_directory(arguments.keep) as directory:
        small, large = (
            run_in_process(measure_database, directory / str(runs), runs, arguments.repeat, arguments.only)
            for runs in (min(SMALL_RUN_COUNT, arguments.runs), arguments.runs)
        )
    _print_results(arguments.runs, small, large)
    if excessive := [result.name for result in large if result.discarded > MAX_DISCARDED_ROWS]:
        sys.exit(f"Postgres discards too many rows for: {', '.join(excessive)}")


def measure_database(directory: Path, runs: int, repeat: int, only: str) -> list[QueryResult]:
    """Send all queries to the database in `directory`."""
    directory.mkdir(exist_ok=True)
    setup_django(directory)
    project = load_project(runs)
    from runs.models import Run

    newest = Run.objects.in_project(project).newest_first().values_list("created_at", flat=True)[0]
    queries = [query for query in build_queries(newest) if only in query.name]
    clients = create_api_client(project), create_browser_client(project)
    results = [] if only else list(_measure_single_run(project, clients, repeat))
    return results + [result for query in queries for result in measure_query(project, query, clients, repeat)]


def _measure_single_run(project: Project, clients: tuple[Client, Client], repeat: int) -> Iterator[QueryResult]:
    """Measure a single run that has steps."""
    from runs.models import Run, RunStep

    rest, browser = clients
    newest = list(Run.objects.in_project(project).newest_first().values_list("pk", flat=True)[:500])
    run_id = str(RunStep.objects.filter(run__in=newest).values_list("run_external_id", flat=True)[0])
    yield QueryResult("one run", "REST", measure_url(rest, f"/api/v1/runs/{run_id}", repeat))
    yield QueryResult("one run", "page", measure_url(browser, f"/p/{project.slug}/runs/{run_id}/", repeat))


def measure_query(
    project: Project, query: BenchmarkQuery, clients: tuple[Client, Client], repeat: int
) -> Iterator[QueryResult]:
    """Measure a query through the REST API and as a page."""
    from runs.db.keyset_pagination import NEWEST_FIRST
    from runs.query import RunFilters
    from runs.query.order import parse_order

    rest, browser = clients
    filters = RunFilters.parse_params({"q": [query.q]})
    order = parse_order(query.sort) if query.sort else NEWEST_FIRST
    cursor = _find_cursor(project, filters, order, query.offset)
    extra = {"cursor": cursor} if cursor else {}
    discarded = _count_discarded_rows(project, filters, order, cursor)
    url = f"/api/v1/runs?{query.query_string(limit=str(PAGE_SIZE), **extra)}"
    yield QueryResult(query.name, "REST", measure_url(rest, url, repeat), discarded)
    url = f"/p/{project.slug}/runs/?{query.query_string(**extra)}"
    yield QueryResult(query.name, "page", measure_url(browser, url, repeat), discarded)
    if query.has_facets:
        url = f"/p/{project.slug}/facets/?{query.query_string()}"
        yield QueryResult(query.name, "facets", measure_url(browser, url, repeat))


def _find_cursor(project: Project, filters: RunFilters, order: Any, offset: int) -> str:
    from runs.models import Run

    if not offset:
        return ""
    runs = filters.plan(project).fetch_page(Run.objects.in_project(project).for_list(), order, None, offset)
    return str(order.cursor_at(runs[-1])) if len(runs) == offset else ""


def measure_url(client: Client, url: str, repeat: int) -> Times:
    """Request `url` once to warm up, then `repeat` times or for `MAX_SECONDS`."""
    times = Times()
    started = time.perf_counter()
    _request(client, url, Times())
    while len(times.total) < repeat and (len(times.total) < 2 or time.perf_counter() - started < MAX_SECONDS):
        _request(client, url, times)
    return times


def _request(client: Client, url: str, times: Times) -> None:
    from django.db import connection

    database_seconds = 0.0

    def timed(execute: Callable[..., Any], *arguments: Any) -> Any:
        nonlocal database_seconds
        started = time.perf_counter()
        try:
            return execute(*arguments)
        finally:
            database_seconds += time.perf_counter() - started

    with connection.execute_wrapper(timed):
        wall, cpu = time.perf_counter(), time.process_time()
        response = client.get(url)
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    if response.status_code != 200:
        raise RuntimeError(f"{url} answered {response.status_code}: {response.content[:500]!r}")
    times.total.append(1000 * wall)
    times.python.append(1000 * cpu)
    times.database.append(1000 * database_seconds)


def _count_discarded_rows(project: Project, filters: RunFilters, order: Any, cursor: str) -> int:
    """Return the number of rows that Postgres reads for the page and discards because they do not match."""
    from django.db import connection

    from runs.models import Run
    from runs.query.order import parse_cursor

    after = parse_cursor(cursor, order) if cursor else None
    plan = filters.plan(project)
    statements: list[tuple[str, Any]] = []

    def record(execute: Callable[..., Any], statement: str, parameters: Any, *others: Any) -> Any:
        statements.append((statement, parameters))
        return execute(statement, parameters, *others)

    with connection.execute_wrapper(record):
        plan.fetch_page(Run.objects.in_project(project).for_list(), order, after, PAGE_SIZE + 1)
    with connection.cursor() as database:
        discarded = 0
        for statement, parameters in statements:
            database.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters)
            discarded += _sum_removed_rows(database.fetchone()[0][0]["Plan"])
    return discarded


def _sum_removed_rows(node: dict[str, Any]) -> int:
    removed = sum(node.get(f"Rows Removed by {by}", 0) for by in ("Filter", "Index Recheck", "Join Filter"))
    return int(removed * node["Actual Loops"]) + sum(map(_sum_removed_rows, node.get("Plans", ())))


def _print_results(runs: int, small: list[QueryResult], large: list[QueryResult]) -> None:
    small_p50 = {(result.name, result.interface): result.times.p50 for result in small}
    print(f"\n{runs:,} runs, milliseconds; growth is that of p50 since {min(SMALL_RUN_COUNT, runs):,} runs\n")
    print(f"{'':<74}{'p50':>8}{'p95':>8}{'python':>8}{'database':>9}{'growth':>8}{'discarded':>10}")
    for result in large:
        times, growth = result.times, result.times.p50 / small_p50[result.name, result.interface]
        print(
            f"{result.interface:<7}{result.name[:66]:<67}{times.p50:>8.1f}{times.p95:>8.1f}{median(times.python):>8.1f}"
            f"{median(times.database):>9.1f}{growth:>8.1f}{result.discarded:>10,}"
        )


if __name__ == "__main__":
    main()
