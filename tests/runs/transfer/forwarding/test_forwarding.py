"""Tests that everything that arrives reaches a target, at least once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from multiprocessing import get_context
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceResponse,
)
from prometheus_client import REGISTRY

from runs.models import ForwardItem, Project
from runs.span_export.trace_spans import TraceSpanReader
from runs.transfer.forwarding import worker
from runs.transfer.forwarding.sender import RequestSender
from runs.transfer.forwarding.targets import parse_forward_targets
from runs.transfer.forwarding.worker import Forwarder
from tests import factories, responses
from tests.factories import function_call, message_object, step_object
from tests.runs.span_export.round_trip import export_otlp, exported_spans
from tests.runs.traces.spans import agent, chat, ingest_otlp
from tests.runs.transfer.forwarding.forwarder_process import forward_until_killed
from tests.runs.transfer.forwarding.receiver import OtlpReceiver, run_receiver

Answer = tuple[int, dict[str, str], bytes]


class Forwarding:
    """A forwarder to a receiver, and the delays that it has waited for."""

    def __init__(self, receiver: OtlpReceiver, settings: Any, headers: str = "") -> None:
        self.receiver = receiver
        settings.OTLP_FORWARD_TARGETS = parse_forward_targets(receiver.url, headers)
        (self.target,) = settings.OTLP_FORWARD_TARGETS
        self.delays: list[float] = []
        self.forwarder = Forwarder(self.target, RequestSender(self.target, sleep=self.delays.append))

    def forward(self) -> None:
        """Let a minute pass, and send everything."""
        past = timedelta(minutes=2)
        for item in ForwardItem.objects.all():
            ForwardItem.objects.filter(pk=item.pk).update(
                queued_at=item.queued_at - past, changed_at=item.changed_at - past
            )
        while self.forwarder.step():
            pass

    def read_metric(self, name: str, **labels: str) -> float:
        return REGISTRY.get_sample_value(f"runglass_{name}", {"target": self.target.label, **labels}) or 0.0


@contextmanager
def forwarding(settings: Any, *answers: Answer, headers: str = "") -> Iterator[Forwarding]:
    with run_receiver(*answers) as receiver:
        yield Forwarding(receiver, settings, headers)


def expected_ids(project: Project) -> list[str]:
    return sorted(span["spanId"] for span in exported_spans(export_otlp(project)))


def test_all_sources_are_forwarded(project: Project, settings: Any) -> None:
    with forwarding(settings, headers="Authorization=Bearer%20key") as it:
        run = factories.run_object()
        factories.post(project, run)
        factories.post_steps(project, step_object(run, function_call("search_orders")))
        responses.post_responses(project, responses.response_object())
        ingest_otlp(project, root := agent(), chat(root, **{"gen_ai.input.messages": "é"}))
        it.forward()
        assert sorted(it.receiver.span_ids) == expected_ids(project)
        assert len(it.receiver.spans) == 7
        sent = it.receiver.headers[0]
        assert (sent["Authorization"], sent["Content-Type"]) == ("Bearer key", "application/x-protobuf")
        assert sent["Content-Encoding"] == "gzip"
        assert it.read_metric("forwarded_spans_total") == 7
        assert not ForwardItem.objects.exists()
        it.forward()
        assert len(it.receiver.spans) == 7


def test_changes_are_forwarded_again(project: Project, settings: Any) -> None:
    with forwarding(settings) as it:
        asked = message_object()
        run = factories.run_object(thread_id="thread_a")
        factories.post(project, run | {"status": "in_progress", "completed_at": None})
        it.forward()
        assert it.receiver.spans == []
        for change in (
            lambda: factories.post(project, run),
            lambda: factories.post_steps(project, step_object(run)),
            lambda: factories.post_messages(project, message_object(run)),
            lambda: factories.post_messages(project, asked | {"thread_id": "thread_a"}),
        ):
            before = len(it.receiver.requests)
            change()
            it.forward()
            assert len(it.receiver.requests) == before + 1
            assert sorted({span.span_id.hex() for span in it.receiver.spans}) == expected_ids(project)
        factories.post(project, run)
        it.forward()
        assert len(it.receiver.requests) == 4


def test_runs_wait_until_they_are_quiet(project: Project, settings: Any) -> None:
    with forwarding(settings) as it:
        factories.post_run(project)
        assert not it.forwarder.step()
        assert ForwardItem.objects.count() == 1
        it.forward()
        assert len(it.receiver.spans) == 1


def test_repeated_spans_are_not_forwarded_again(project: Project, settings: Any) -> None:
    with forwarding(settings) as it:
        root = agent()
        ingest_otlp(project, root)
        ingest_otlp(project, root, chat(root))
        it.forward()
        assert len(it.receiver.spans) == 2


@pytest.mark.parametrize(
    ("answers", "least_delays"),
    [
        ([(503, {"Retry-After": "7"}, b"")], [7.0]),
        ([(429, {}, b"")] * 3, [1.0, 2.0, 4.0]),
        ([(502, {}, b""), (504, {}, b"")], [1.0, 2.0]),
        ([(0, {}, b""), (1, {}, b"")], [1.0, 2.0]),  # the connection ends
        ([(503, {"Retry-After": "999999"}, b"")], [3600.0]),
    ],
)
def test_failures_are_retried(
    project: Project, settings: Any, answers: list[Answer], least_delays: list[float]
) -> None:
    with forwarding(settings, *answers) as it:
        ingest_otlp(project, chat(), chat())
        it.forward()
        assert sorted(set(it.receiver.span_ids)) == expected_ids(project)
        assert len(it.delays) == len(least_delays)
        assert all(least <= delay <= least + 1.01 for delay, least in zip(it.delays, least_delays, strict=True))


@pytest.mark.parametrize("status", [400, 401, 404, 408, 413, 500, 302])
def test_refused_spans_are_dropped_loudly(
    project: Project, settings: Any, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    with forwarding(settings, (status, {}, b"no such project")) as it:
        ingest_otlp(project, chat())
        it.forward()
        assert it.delays == []
        assert not ForwardItem.objects.exists()
        assert it.read_metric("forward_failures_total", reason="refused") == 1
        assert f"status {status}: b'no such project'" in caplog.text


def test_partial_success_is_counted(project: Project, settings: Any, caplog: pytest.LogCaptureFixture) -> None:
    partial = ExportTracePartialSuccess(rejected_spans=1, error_message="no name")
    answer = ExportTraceServiceResponse(partial_success=partial).SerializeToString()
    with forwarding(settings, (200, {}, answer)) as it:
        ingest_otlp(project, chat(), chat())
        it.forward()
        assert it.read_metric("forward_failures_total", reason="partly_refused") == 1
        assert it.read_metric("forwarded_spans_total") == 1
        assert "no name" in caplog.text


def test_waiting_is_bounded(
    project: Project, settings: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(worker, "MAX_WAITING", 3)
    with forwarding(settings) as it:
        for _ in range(3):
            ingest_otlp(project, chat(), chat())
        it.forwarder.keep_bounds()
        assert ForwardItem.objects.count_waiting(it.target.url).total == 2
        assert it.read_metric("forward_failures_total", reason="too_many") == 4
        assert it.read_metric("forward_waiting") == 6
        assert "Gave up 4 spans and runs" in caplog.text


def test_old_items_are_given_up(project: Project, settings: Any) -> None:
    with forwarding(settings) as it:
        ingest_otlp(project, chat())
        ForwardItem.objects.update(queued_at="2026-01-01T00:00:00Z", target=it.target.url)
        it.forwarder.keep_bounds()
        assert not ForwardItem.objects.exists()
        assert it.read_metric("forward_failures_total", reason="too_old") == 1


def test_unreadable_item_stops_no_other(project: Project, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    read = TraceSpanReader.read

    def fail_for_first(reader: TraceSpanReader, trace_key: Any, span_ids: Any) -> Any:
        if span_ids == [first["spanId"]]:
            raise ValueError
        return read(reader, trace_key, span_ids)

    monkeypatch.setattr(TraceSpanReader, "read", fail_for_first)
    with forwarding(settings) as it:
        first, second = chat(), chat()
        ingest_otlp(project, first)
        ingest_otlp(project, second)
        it.forward()
        assert it.receiver.span_ids == [second["spanId"]]
        assert it.read_metric("forward_failures_total", reason="unreadable") == 1


@pytest.mark.parametrize("count", [1, 20])
def test_page_of_traces_takes_few_queries(
    project: Project, django_assert_max_num_queries: Any, settings: Any, count: int
) -> None:
    with forwarding(settings) as it:
        for number in range(count):
            ingest_otlp(project, chat() | {"traceId": f"{number + 1:032x}"})
        it.forwarder.keep_bounds()
        # the items, the origins and logs of all traces, the spans of each one; the deletion
        with django_assert_max_num_queries(4 + count):
            it.forwarder.step()
        assert len(it.receiver.spans) == count


def test_each_target_gets_everything(project: Project, settings: Any) -> None:
    with run_receiver() as receiver, forwarding(settings) as it:
        settings.OTLP_FORWARD_TARGETS = parse_forward_targets(f"{it.receiver.url},{receiver.url}", "")
        ingest_otlp(project, chat())
        factories.post_run(project)
        it.forward()
        assert len(it.receiver.spans) == 2
        assert ForwardItem.objects.count() == 2
        while Forwarder(settings.OTLP_FORWARD_TARGETS[1]).step():
            pass
        assert receiver.span_ids == it.receiver.span_ids


def test_post_costs_nothing_without_targets(project: Project) -> None:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        factories.post_run(project)
        ingest_otlp(project, chat())
    assert not [query for query in queries if "forward_item" in query["sql"]]


@pytest.mark.django_db(transaction=True)
def test_killed_forwarder_loses_nothing(settings: Any) -> None:
    project = factories.make_project("default")
    with forwarding(settings, *[(1, {}, b"")] * 2) as it:
        for _ in range(6):
            ingest_otlp(project, chat(), chat())
        kills, deadline = 0, time.monotonic() + 120
        while ForwardItem.objects.exists() and time.monotonic() < deadline:
            seen = len(it.receiver.requests)
            process = get_context("spawn").Process(
                target=forward_until_killed, args=(it.target.url, connection.settings_dict, 2)
            )
            process.start()
            while len(it.receiver.requests) == seen and ForwardItem.objects.exists() and time.monotonic() < deadline:
                time.sleep(0.01)
            process.kill()
            process.join()
            kills += 1
        assert kills >= 3
        assert sorted(set(it.receiver.span_ids)) == expected_ids(project)
