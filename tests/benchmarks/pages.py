"""Benchmark of all pages but the run list, with a million runs, among them a run of 200 steps.

`uv run python -m tests.benchmarks.pages` fills a database with runs of the demo generator and prints the times of
whole requests, the CPU time of this process and the number of queries.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from tests.benchmarks.clients import create_browser_client
from tests.benchmarks.dataset import load_project, open_directory, run_in_process, setup_django

if TYPE_CHECKING:
    from django.test import Client

    from runs.models import Project, Run

STEP_COUNT = 200
# upper limits in milliseconds
MAX_RUN_MS, MAX_USAGE_MS, MAX_OVERVIEW_MS = 40, 40, 150


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=40)
    parser.add_argument("--keep", type=Path, help="keep the database in this directory and reuse it")
    arguments = parser.parse_args()
    with open_directory(arguments.keep) as directory:
        run_in_process(_measure, directory, arguments.runs, arguments.repeat)


def _measure(directory: Path, runs: int, repeat: int) -> None:
    setup_django(directory)
    project = load_project(runs)
    client = create_browser_client(project)
    print(f"{'milliseconds':<44}{'p50':>8}{'limit':>8}{'python':>8}{'queries':>9}")
    for name, url, limit in list_pages(project):
        client.get(url)
        total, python = [], []
        for _ in range(repeat):
            wall, cpu = time.perf_counter(), time.process_time()
            response = client.get(url)
            python.append(1000 * (time.process_time() - cpu))
            total.append(1000 * (time.perf_counter() - wall))
            assert response.status_code == 200, response.content[:500]
        print(f"{name:<44}{median(total):>8.1f}{limit:>8}{median(python):>8.1f}{_count_queries(client, url):>9}")


def list_pages(project: Project) -> Iterator[tuple[str, str, int]]:
    """Yield name, URL and upper limit of each page."""
    long_run_id, failed = _store_long_run(project), _newest_failed(project)
    base = f"/p/{project.slug}"
    runs = f"{base}/runs"
    yield f"run of {STEP_COUNT} steps", f"{runs}/{long_run_id}/", MAX_RUN_MS
    yield (
        f"run of {STEP_COUNT} steps, from a list with a query",
        f"{runs}/{long_run_id}/?list=q%3Dstatus%253Acompleted",
        MAX_RUN_MS,
    )
    yield "failed run, with its similar runs", f"{runs}/{failed.external_id}/", MAX_RUN_MS
    yield "failed run, from the list of failures", f"{runs}/{failed.external_id}/?list=status%3Dfailed", MAX_RUN_MS
    for days in ("24h", "7d", "30d", "90d"):
        yield f"usage, {days}", f"{base}/usage/?range={days}", MAX_USAGE_MS
    yield "usage, 90d, Europe/Berlin", f"{base}/usage/?range=90d&zone=Europe/Berlin", MAX_USAGE_MS
    yield "errors, 14 days", f"{base}/errors/", MAX_OVERVIEW_MS
    yield "errors, 90 days", f"{base}/errors/?from=-90d", MAX_OVERVIEW_MS
    yield "error group", f"{base}/errors/{failed.error_group_id}/", MAX_OVERVIEW_MS
    yield "assistants", f"{base}/assistants/", MAX_OVERVIEW_MS
    yield "assistant", f"{base}/assistants/{failed.assistant_id}/", MAX_OVERVIEW_MS
    yield "tools, 7 days", f"{base}/tools/", MAX_OVERVIEW_MS
    yield "tools, 30 days", f"{base}/tools/?range=30d", MAX_OVERVIEW_MS
    yield "tool", f"{base}/tools/function/lookup_order/", MAX_OVERVIEW_MS
    yield "actions", f"{base}/actions/", MAX_OVERVIEW_MS
    yield "threads", f"{base}/threads/", MAX_OVERVIEW_MS
    yield "thread", f"{base}/threads/{failed.thread_id}/", MAX_OVERVIEW_MS


def _newest_failed(project: Project) -> Run:
    from runs.models import Run
    from runs.query import RunFilters

    failed = RunFilters(status=("failed",)).apply(Run.objects.in_project(project))
    return failed.newest_first()[0]


def _store_long_run(project: Project) -> str:
    """Store a completed run of 200 steps, most of them with one or two tool calls, and return its id."""
    from tests import factories

    tools = [factories.function_tool(f"tool_{number}") for number in range(12)]
    now = int(time.time()) - 1000
    times = {"created_at": now, "started_at": now + 1, "completed_at": now + 2 * STEP_COUNT}
    run = factories.run_object(id="run_of_many_steps", model="gpt-4o", tools=tools, **times)
    output = json.dumps({"orders": [{"id": f"A-{number}", "note": "x" * 40} for number in range(6)]})
    factories.post(project, run)
    factories.post_steps(project, *(_build_step(run, number, output) for number in range(STEP_COUNT)))
    return str(run["id"])


def _build_step(run: dict[str, Any], number: int, output: str) -> dict[str, Any]:
    from tests import factories

    names = [f"tool_{(number + offset) % 12}" for offset in range(1 + number % 2)] if number % 5 else []
    calls = [factories.function_call(name, '{"order": "A-1"}', output) for name in names]
    created_at = run["created_at"] + 2 * number
    return factories.step_object(run, *calls, id=f"step_{number}", created_at=created_at, completed_at=created_at + 1)


def _count_queries(client: Client, url: str) -> int:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as queries:
        client.get(url)
    return len(queries)


if __name__ == "__main__":
    main()
