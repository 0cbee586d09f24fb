"""How long reading takes, and that it takes no longer where there are a hundred times as many runs.

`uv run python -m tests.benchmarks.reading` fills two databases of its own with the demo generator's runs, asks both
all of `questions` as REST and as a page, and some as facets, and prints the times of the larger one with their growth.
It fails where a filter makes Postgres read and throw away more than `MOST_DISCARDED` rows for a page.

Times are those of whole requests, answered in this process by Django's test client through all middleware: what a
worker spends on them, without the socket. `python` is the CPU time of this process alone.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from statistics import median, quantiles
from typing import TYPE_CHECKING, Any

from tests.benchmarks.filled import filled, open_in
from tests.benchmarks.questions import Question, questions

if TYPE_CHECKING:
    from django.test import Client

    from runs.models import Project
    from runs.query import RunFilters
    from runs.query.order import parse_cursor, parse_order

FEW = 10_000
ROWS = 50
MOST_DISCARDED = 20_000
SECONDS = 4.0  # a way of asking is asked no longer, and twice at least


@dataclass
class Times:
    """Milliseconds of each repetition: the whole, the CPU of this process, and waiting for the database."""

    whole: list[float] = field(default_factory=list)
    python: list[float] = field(default_factory=list)
    database: list[float] = field(default_factory=list)

    @property
    def p50(self) -> float:
        return median(self.whole)

    @property
    def p95(self) -> float:
        return quantiles(self.whole, n=20, method="inclusive")[-1] if len(self.whole) > 1 else self.whole[0]


@dataclass
class Answer:
    """What one way of asking came to; `discarded` rows were read for the page of a list and thrown away."""

    name: str
    way: str
    times: Times
    discarded: int = 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1_000_000, help="runs of the larger database (1000000)")
    parser.add_argument("--repeat", type=int, default=15, help="how often each is asked after a first time (15)")
    parser.add_argument("--keep", type=Path, help="a directory for the databases, found again by a later call")
    parser.add_argument("--only", default="", help="ask only questions whose name contains this")
    arguments = parser.parse_args()
    with _directory(arguments.keep) as directory:
        few, many = (
            _elsewhere(measure, directory / str(runs), runs, arguments.repeat, arguments.only)
            for runs in (min(FEW, arguments.runs), arguments.runs)
        )
    _print(arguments.runs, few, many)
    if too_many := [each for each in many if each.discarded > MOST_DISCARDED]:
        sys.exit(f"too many rows are read for nothing: {', '.join(each.name for each in too_many)}")


@contextmanager
def _directory(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        yield keep.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="runglass-benchmark-") as directory:
        Path(directory).chmod(0o711)  # root's server runs as another user
        yield Path(directory)


def _elsewhere(work: Callable[..., list[Answer]], *arguments: Any) -> list[Answer]:
    """Do it in a process of its own, since one can have only one database."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as executor:
        return executor.submit(work, *arguments).result()


def measure(directory: Path, runs: int, repeat: int, only: str) -> list[Answer]:
    """Ask everything of the database in `directory`."""
    directory.mkdir(exist_ok=True)
    open_in(directory)
    project = filled(runs)
    from runs.models import Run

    newest = Run.objects.in_project(project).newest_first().values_list("created_at", flat=True)[0]
    asked = [each for each in questions(newest) if only in each.name]
    clients = _rest(project), _browser(project)
    answers = [] if only else list(_detail(project, clients, repeat))
    return answers + [answer for question in asked for answer in _ask(project, question, clients, repeat)]


def _rest(project: Project) -> Client:
    from django.test import Client

    from runs.team.api_keys import create_api_key

    return Client(headers={"authorization": f"Bearer {create_api_key(project, 'benchmark')}"}, SERVER_NAME="localhost")


def _browser(project: Project) -> Client:
    from django.test import Client

    from runs.models import Membership, User

    user, _ = User.objects.get_or_create(username="benchmark")
    Membership.objects.get_or_create(user=user, project=project, defaults={"role": "admin"})
    client = Client(SERVER_NAME="localhost")
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return client


def _detail(project: Project, clients: tuple[Client, Client], repeat: int) -> Iterator[Answer]:
    """One run that has steps, as REST and as a page."""
    from runs.models import Run, RunStep

    rest, browser = clients
    newest = list(Run.objects.in_project(project).newest_first().values_list("pk", flat=True)[:500])
    name = str(RunStep.objects.filter(run__in=newest).values_list("run_external_id", flat=True)[0])
    yield Answer("one run", "REST", _times(rest, f"/api/v1/runs/{name}", repeat))
    yield Answer("one run", "page", _times(browser, f"/p/{project.slug}/runs/{name}/", repeat))


def _ask(project: Project, question: Question, clients: tuple[Client, Client], repeat: int) -> Iterator[Answer]:
    """As REST and as a page."""
    from runs.db.keyset_pagination import NEWEST_FIRST
    from runs.query import RunFilters

    rest, browser = clients
    filters = RunFilters.parse_params({"q": [question.q]})
    order = parse_order(question.sort) if question.sort else NEWEST_FIRST
    cursor = _cursor(project, filters, order, question.behind)
    more = {"cursor": cursor} if cursor else {}
    discarded = _discarded(project, filters, order, cursor)
    address = f"/api/v1/runs?{question.address(limit=str(ROWS), **more)}"
    yield Answer(question.name, "REST", _times(rest, address, repeat), discarded)
    address = f"/p/{project.slug}/runs/?{question.address(**more)}"
    yield Answer(question.name, "page", _times(browser, address, repeat), discarded)
    if question.facets:
        address = f"/p/{project.slug}/facets/?{question.address()}"
        yield Answer(question.name, "facets", _times(browser, address, repeat))


def _cursor(project: Project, filters: RunFilters, order: Any, behind: int) -> str:
    from runs.models import Run

    if not behind:
        return ""
    runs = filters.plan(project).fetch_page(Run.objects.in_project(project).for_list(), order, None, behind)
    return str(order.cursor_at(runs[-1])) if len(runs) == behind else ""


def _times(client: Client, address: str, repeat: int) -> Times:
    """Ask for `address` once to warm up, then `repeat` times or for some seconds."""
    times = Times()
    begun = time.perf_counter()
    _request(client, address, Times())
    while len(times.whole) < repeat and (len(times.whole) < 2 or time.perf_counter() - begun < SECONDS):
        _request(client, address, times)
    return times


def _request(client: Client, address: str, times: Times) -> None:
    from django.db import connection

    waited = 0.0

    def timed(execute: Callable[..., Any], *arguments: Any) -> Any:
        nonlocal waited
        begun = time.perf_counter()
        try:
            return execute(*arguments)
        finally:
            waited += time.perf_counter() - begun

    with connection.execute_wrapper(timed):
        wall, cpu = time.perf_counter(), time.process_time()
        answer = client.get(address)
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    if answer.status_code != 200:
        raise RuntimeError(f"{address} answered {answer.status_code}: {answer.content[:500]!r}")
    times.whole.append(1000 * wall)
    times.python.append(1000 * cpu)
    times.database.append(1000 * waited)


def _discarded(project: Project, filters: RunFilters, order: Any, cursor: str) -> int:
    """How many rows Postgres reads for the page and throws away since they don't match."""
    from django.db import connection

    from runs.models import Run

    after = parse_cursor(cursor, order) if cursor else None
    search = filters.plan(project)
    asked: list[tuple[str, Any]] = []

    def noted(execute: Callable[..., Any], statement: str, parameters: Any, *others: Any) -> Any:
        asked.append((statement, parameters))
        return execute(statement, parameters, *others)

    with connection.execute_wrapper(noted):
        search.fetch_page(Run.objects.in_project(project).for_list(), order, after, ROWS + 1)
    with connection.cursor() as database:
        discarded = 0
        for statement, parameters in asked:
            database.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters)
            discarded += _thrown_away(database.fetchone()[0][0]["Plan"])
    return discarded


def _thrown_away(node: dict[str, Any]) -> int:
    removed = sum(node.get(f"Rows Removed by {by}", 0) for by in ("Filter", "Index Recheck", "Join Filter"))
    return int(removed * node["Actual Loops"]) + sum(map(_thrown_away, node.get("Plans", ())))


def _print(runs: int, few: list[Answer], many: list[Answer]) -> None:
    before = {(each.name, each.way): each.times.p50 for each in few}
    print(f"\n{runs:,} runs, milliseconds; growth is that of p50 from {min(FEW, runs):,} runs on\n")
    print(f"{'':<74}{'p50':>8}{'p95':>8}{'python':>8}{'database':>9}{'growth':>8}{'discarded':>10}")
    for each in many:
        times, growth = each.times, each.times.p50 / before[each.name, each.way]
        print(
            f"{each.way:<7}{each.name[:66]:<67}{times.p50:>8.1f}{times.p95:>8.1f}{median(times.python):>8.1f}"
            f"{median(times.database):>9.1f}{growth:>8.1f}{each.discarded:>10,}"
        )


if __name__ == "__main__":
    main()
