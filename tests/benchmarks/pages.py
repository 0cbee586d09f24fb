"""How long each page but the list takes among a million runs; of runs, one of 200 steps and one that failed like many.

`uv run python -m tests.benchmarks.pages` fills a database of its own with the demo generator's runs, adds the two,
and prints the times of whole requests as a worker spends them, with the CPU time of this process alone.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from tests.benchmarks.filled import filled, open_in

if TYPE_CHECKING:
    from django.test import Client

    from runs.models import Project, Run

STEPS = 200
# milliseconds at the most
RUN, USAGE, OVERVIEW = 40, 40, 150


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=40)
    parser.add_argument("--keep", type=Path, help="a folder for the database, used again where it is filled")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        open_in(given.keep or Path(made))
        _measure(filled(given.runs), given.repeat)


def _measure(project: Project, repeat: int) -> None:
    client = _browser(project)
    print(f"{'milliseconds':<44}{'p50':>8}{'must':>8}{'python':>8}{'queries':>9}")
    for name, address, must in _pages(project):
        client.get(address)
        whole, python = [], []
        for _ in range(repeat):
            wall, cpu = time.perf_counter(), time.process_time()
            answer = client.get(address)
            python.append(1000 * (time.process_time() - cpu))
            whole.append(1000 * (time.perf_counter() - wall))
            assert answer.status_code == 200, answer.content[:500]
        print(f"{name:<44}{median(whole):>8.1f}{must:>8}{median(python):>8.1f}{_queries(client, address):>9}")


def _pages(project: Project) -> Iterator[tuple[str, str, int]]:
    """Names, addresses, and how long each may take."""
    long, failed = _long(project), _newest_failed(project)
    of = f"/p/{project.slug}"
    at = f"{of}/runs"
    yield f"run of {STEPS} steps", f"{at}/{long}/", RUN
    yield f"run of {STEPS} steps, from a list with a query", f"{at}/{long}/?list=q%3Dstatus%253Acompleted", RUN
    yield "failed run, with its similar runs", f"{at}/{failed.external_id}/", RUN
    yield "failed run, from the list of failures", f"{at}/{failed.external_id}/?list=status%3Dfailed", RUN
    for days in ("24h", "7d", "30d", "90d"):
        yield f"usage, {days}", f"{of}/usage/?range={days}", USAGE
    yield "usage, 90d, Europe/Berlin", f"{of}/usage/?range=90d&zone=Europe/Berlin", USAGE
    yield "errors, 14 days", f"{of}/errors/", OVERVIEW
    yield "errors, 90 days", f"{of}/errors/?from=-90d", OVERVIEW
    yield "error group", f"{of}/errors/{failed.error_group_id}/", OVERVIEW
    yield "assistants", f"{of}/assistants/", OVERVIEW
    yield "assistant", f"{of}/assistants/{failed.assistant_id}/", OVERVIEW
    yield "tools, 7 days", f"{of}/tools/", OVERVIEW
    yield "tools, 30 days", f"{of}/tools/?range=30d", OVERVIEW
    yield "tool", f"{of}/tools/function/lookup_order/", OVERVIEW
    yield "actions", f"{of}/actions/", OVERVIEW
    yield "threads", f"{of}/threads/", OVERVIEW
    yield "thread", f"{of}/threads/{failed.thread_id}/", OVERVIEW


def _newest_failed(project: Project) -> Run:
    from runs.models import Run
    from runs.query import RunFilters

    failed = RunFilters(status=("failed",)).apply(Run.objects.in_project(project))
    return failed.newest_first()[0]


def _long(project: Project) -> str:
    """The id of a completed run of 200 steps, most of them with one or two calls."""
    from tests import factories

    tools = [factories.function_tool(f"tool_{number}") for number in range(12)]
    now = int(time.time()) - 1000
    times = {"created_at": now, "started_at": now + 1, "completed_at": now + 2 * STEPS}
    run = factories.run_object(id="run_of_many_steps", model="gpt-4o", tools=tools, **times)
    output = json.dumps({"orders": [{"id": f"A-{number}", "note": "x" * 40} for number in range(6)]})
    factories.post(project, run)
    factories.post_steps(project, *(_step(run, number, output) for number in range(STEPS)))
    return str(run["id"])


def _step(run: dict[str, Any], number: int, output: str) -> dict[str, Any]:
    from tests import factories

    names = [f"tool_{(number + place) % 12}" for place in range(1 + number % 2)] if number % 5 else []
    calls = [factories.function_call(name, '{"order": "A-1"}', output) for name in names]
    at = run["created_at"] + 2 * number
    return factories.step_object(run, *calls, id=f"step_{number}", created_at=at, completed_at=at + 1)


def _browser(project: Project) -> Client:
    from django.test import Client

    from runs.models import Membership, User

    user, _ = User.objects.get_or_create(username="benchmark")
    Membership.objects.get_or_create(user=user, project=project, defaults={"role": "admin"})
    client = Client(SERVER_NAME="localhost")
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return client


def _queries(client: Client, address: str) -> int:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as queries:
        client.get(address)
    return len(queries)


if __name__ == "__main__":
    main()
