"""Benchmark of the forwarder: spans that one target takes in a second, beside spans that one site stores.

`uv run python -m tests.benchmarks.forwarding` prints medians and ratios. The target is on the loopback interface and
takes everything at once. Machines differ, so quote the ratios.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from multiprocessing import Pipe, Process
from multiprocessing.connection import Connection
from statistics import median
from typing import Any

import django

from tests.benchmarks.site import BATCH_SIZE, Site, build_batches, encode_json, measure_speed, run_site
from tests.benchmarks.spans import build_export, generate_spans


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spans", type=int, default=5_000, help="spans per round (5000)")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with run_site() as site, run_target() as url:
        django.setup()
        rounds = [_measure_round(site, url, number, arguments.spans) for number in range(arguments.rounds)]
    print(f"\n{'':<36}{'per second, median':>20}{'of stored':>10}")
    for name in rounds[0]:
        ratio = median(speeds[name] / speeds["spans stored"] for speeds in rounds)
        print(f"{name:<36}{median(speeds[name] for speeds in rounds):>20,.0f}{ratio:>10.2f}")


@contextmanager
def run_target() -> Iterator[str]:
    """Yield the URL of a target in a process of its own."""
    ours, theirs = Pipe()
    process = Process(target=_serve_target, args=(theirs,), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}/v1/traces"
    finally:
        process.terminate()
        process.join()


def _serve_target(connection: Connection) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), _TargetHandler) as server:
        connection.send(server.server_port)
        server.serve_forever()


class _TargetHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def _measure_round(site: Site, url: str, number: int, count: int) -> dict[str, float]:
    """Return the spans per second that were stored, and forwarded: as they came, and made of runs with their steps."""
    spans = generate_spans(number)
    bodies = [build_export(list(islice(spans, BATCH_SIZE))) for _ in range(count // BATCH_SIZE)]
    speeds = {"spans stored": measure_speed(count, lambda: site.post_all("/v1/traces", bodies))}
    _queue_spans(url)
    speeds["spans forwarded as they came"] = _measure_forwarding(url)
    _post_runs(site, number, count // 5)
    _queue_runs(url)
    speeds["spans forwarded of assistants' runs"] = _measure_forwarding(url)
    return speeds


def _post_runs(site: Site, seed: int, count: int) -> None:
    from runs.demo import generate_lifecycles

    lifecycles = list(generate_lifecycles(runs=count, end=int(time.time()), seed=seed))
    objects: dict[str, list[dict[str, Any]]] = {
        "/api/v1/runs": [lifecycle.run for lifecycle in lifecycles],
        "/api/v1/steps": [step for lifecycle in lifecycles for step in lifecycle.steps],
        "/api/v1/messages": [message for lifecycle in lifecycles for message in lifecycle.messages],
    }
    for path, posted in objects.items():
        site.post_all(path, build_batches([encode_json(each) for each in posted]))


def _queue_spans(url: str) -> None:
    """Queue all spans, as the posts of them would have done."""
    from django.utils import timezone

    from runs.models import ForwardItem, Project, Span

    span_ids: dict[Any, list[str]] = {}
    for trace_key, span_id in Span.objects.values_list("trace_id", "span_id"):
        span_ids.setdefault(trace_key, []).append(span_id)
    ForwardItem.objects.queue_spans(Project.objects.get(), [url], span_ids, timezone.now())


def _queue_runs(url: str) -> None:
    """Queue all runs of assistants, as posts of a minute ago would have done."""
    from django.utils import timezone

    from runs.models import ForwardItem, Project, Run, RunSource

    keys = [key.hex for key in Run.objects.filter(source=RunSource.ASSISTANTS).values_list("pk", flat=True)]
    queued_at = timezone.now() - timedelta(minutes=2)
    ForwardItem.objects.queue_runs(Project.objects.get(), [url], keys, [], queued_at)


def _measure_forwarding(url: str) -> float:
    """Return the spans per second with which one forwarder sends what is queued."""
    from runs.transfer.forwarding.metrics import FORWARDED_SPANS
    from runs.transfer.forwarding.targets import ForwardTarget
    from runs.transfer.forwarding.worker import Forwarder

    target = ForwardTarget(url)
    forwarder, counter = Forwarder(target), FORWARDED_SPANS.labels(target.label)
    before, started = counter._value.get(), time.perf_counter()
    while forwarder.step():
        pass
    return float(counter._value.get() - before) / (time.perf_counter() - started)


if __name__ == "__main__":
    main()
