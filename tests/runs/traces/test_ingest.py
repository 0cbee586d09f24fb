import itertools
import json
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runs.models import Message, Project, Run, RunAlias, RunSource, RunStep, Span, SpanOrigin, Trace
from runs.team.deletion import delete_runs
from runs.traces import ingest, pending, trace_runs
from runs.traces.derivation import derive_trace_runs
from runs.traces.pending import delete_traces_without_runs, derive_due_traces
from runs.traces.span_view import SpanLink, SpanView
from tests import factories
from tests.factories import NOW
from tests.read_back import read_back_runs
from tests.runs.traces.spans import TRACE_ID, agent, chat, ingest_otlp, messages, otel_span, tool


def settle(project: Project) -> None:
    """Let a minute pass."""
    past = timezone.now() - timedelta(minutes=2)
    Trace.objects.filter(due_at__isnull=False).update(changed_at=past, due_at=past)
    derive_due_traces(project)


def test_agent_becomes_a_run_with_steps(project):
    call = json.dumps(
        [{"role": "assistant", "parts": [{"type": "tool_call", "id": "c1", "name": "search", "arguments": {"q": 1}}]}]
    )
    root = agent(start=1)
    asked = {"gen_ai.input.messages": messages(("system", "Be brief."), ("user", "Where?"))}
    first = chat(root, start=2, **asked, **{"gen_ai.output.messages": call})
    search = tool("search", root, start=3, **{"gen_ai.tool.call.id": "c1", "gen_ai.tool.call.result": "here"})
    second = chat(root, (20, 7), start=4, **asked, **{"gen_ai.output.messages": messages(("assistant", "Here."))})

    report = ingest_otlp(project, search, second, first, root)

    assert (report.received, report.rejected) == (4, 0)
    run = Run.objects.with_configuration().get()
    assert (run.external_id, run.source) == (f"trace_{TRACE_ID}_{root['spanId']}", RunSource.OTEL)
    assert (run.assistant_id, run.thread_id, run.status) == ("planner", TRACE_ID, "completed")
    assert (run.model, run.configuration.instructions) == ("gpt-4o-mini", "Be brief.")
    assert (run.prompt_tokens, run.completion_tokens, run.total_tokens) == (30, 12, 42)
    assert run.metadata == {"service.name": "trips"}
    steps = list(RunStep.objects.of_run(run).oldest_first())
    assert [(step.type, step.prompt_tokens) for step in steps] == [("tool_calls", 10), ("message_creation", 20)]
    function = json.loads(steps[0].details or "")["tool_calls"][0]["function"]
    assert function == {"name": "search", "arguments": '{"q":1}', "output": "here"}
    said = Message.objects.filter(project=project).order_by("created_at")
    assert list(said.values_list("role", "text")) == [("user", "Where?"), ("assistant", "Here.")]


def test_spans_come_back_as_they_came(project):
    span = chat(members={"links": [{"traceId": "1" * 32}], "unknown": {"é": [1.5, None]}})
    ingest_otlp(project, span)
    assert json.loads(Span.objects.get().body) == span
    assert json.loads(SpanOrigin.objects.get().scope) == {"name": "test"}


def test_unseen_local_parent_is_awaited(project):
    workflow = otel_span("invoke_workflow", start=1, **{"gen_ai.workflow.name": "trip"})
    inner = agent("inner", workflow, start=2, members={"flags": 0x100})
    ingest_otlp(project, chat(inner, start=3, members={"flags": 0x100}))
    assert [run.status for run in Run.objects.all()] == ["in_progress"]
    ingest_otlp(project, inner)
    inner_id = f"trace_{TRACE_ID}_{inner['spanId']}"
    assert [(run.external_id, run.status) for run in Run.objects.all()] == [(inner_id, "in_progress")]

    ingest_otlp(project, workflow)

    run = Run.objects.get()
    assert (run.external_id, run.status) == (f"trace_{TRACE_ID}_{workflow['spanId']}", "completed")
    for former_id in (inner_id, f"trace_{TRACE_ID}"):
        found = RunAlias.objects.resolve_run(project, former_id)
        assert found is not None
        assert found.pk == run.pk


def test_parent_that_never_comes_is_given_up(project):
    ingest_otlp(project, agent(members={"parentSpanId": "f" * 16, "flags": 0x100}))
    assert Run.objects.get().status == "in_progress"
    assert not derive_due_traces(project)
    assert Run.objects.get().status == "in_progress"
    settle(project)
    assert Run.objects.get().status == "completed"
    assert Trace.objects.get().due_at is None


def test_remote_parent_is_not_awaited(project):
    ingest_otlp(project, agent(members={"parentSpanId": "f" * 16, "flags": 0x300}))
    assert Run.objects.get().status == "completed"


def make_trace() -> list[dict[str, Any]]:
    """Return a trace with nested agents, two instrumentations of a model call, a failing tool and a stray span.

    It takes little more than a second, so that most steps have the same time in seconds.
    """
    local = {"flags": 0x100}
    workflow = otel_span("invoke_workflow", start=1, **{"gen_ai.workflow.name": "trip", "gen_ai.conversation.id": "c"})
    outer = agent("outer", workflow, start=2, members=local)
    call = chat(outer, start=3, members=local, **{"gen_ai.input.messages": messages(("user", "Hi"))})
    copy = chat(call, start=3, members=local, **{"gen_ai.output.messages": messages(("assistant", "Hello"))})
    failed = tool("search", outer, start=4, members=local | {"status": {"code": 2}}, **{"error.type": "Timeout"})
    inner = agent("inner", failed, start=5, members=local)
    last = chat(inner, (7, 3), start=6, members=local, **{"gen_ai.response.finish_reasons": ["length"]})
    other = agent("other", start=30)
    spans = [workflow, outer, call, copy, failed, inner, last, other, chat(other, (1, 1), start=31), otel_span(start=9)]
    for span in spans:
        start = NOW * 10**9 + (int(span["startTimeUnixNano"]) - NOW * 10**9) // 100
        span |= {"startTimeUnixNano": str(start), "endTimeUnixNano": str(start + 5 * 10**6)}
    return spans


TRACE = make_trace()
_numbers = itertools.count()


@pytest.mark.django_db(transaction=False)
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    order=st.permutations(range(len(TRACE))),
    repeated=st.lists(st.integers(0, len(TRACE) - 1), max_size=4),
    cuts=st.sets(st.integers(1, len(TRACE) + 3), max_size=5),
)
def test_order_and_splitting_do_not_matter(order: Sequence[int], repeated: list[int], cuts: set[int]):
    expected_project, project = (factories.make_project(f"p{next(_numbers)}") for _ in range(2))
    ingest_otlp(expected_project, *TRACE)
    posted = [TRACE[index] for index in (*order, *repeated)]
    bounds = [0, *sorted(cuts), len(posted)]
    for begin, end in itertools.pairwise(bounds):
        ingest_otlp(project, *posted[begin:end])
    settle(expected_project)
    settle(project)
    expected = read_back_runs(expected_project)
    assert read_back_runs(project) == expected
    assert {json.loads(run)["usage"]["prompt_tokens"] for run, *_ in expected} == {17, 1}


def test_later_span_of_one_id_stays(project):
    span = chat()
    later = span | {"name": "later", "endTimeUnixNano": str(int(span["endTimeUnixNano"]) + 1)}
    ingest_otlp(project, later)
    ingest_otlp(project, span)
    assert Span.objects.get().name == "later"


@pytest.fixture
def all_traces_are_large(monkeypatch):
    monkeypatch.setattr(trace_runs, "MIN_SIZE_DERIVED_AT_ONCE", 0)
    monkeypatch.setattr(trace_runs, "SIZE_DERIVED_PER_SENT", 0)
    monkeypatch.setattr(pending, "MAX_SIZE_DERIVED_AT_ONCE", 0)


@pytest.mark.usefixtures("all_traces_are_large")
def test_large_trace_is_derived_by_maintenance(project):
    root = agent()
    ingest_otlp(project, root, chat(root), chat(root), chat(root))
    assert not Run.objects.exists()
    settle(project)
    assert Run.objects.get().prompt_tokens == 30
    trace = Trace.objects.get()
    assert (trace.span_count, trace.due_at) == (4, None)


def test_touching_a_large_trace_costs_its_own_size(project, monkeypatch, django_assert_max_num_queries):
    """A post derives no more than a constant and some times what it brought."""
    monkeypatch.setattr(trace_runs, "MIN_SIZE_DERIVED_AT_ONCE", 0)
    root = agent()
    ingest_otlp(project, root, *(chat(root) for _ in range(10)))
    assert Run.objects.get().prompt_tokens == 100
    with monkeypatch.context() as patched, django_assert_max_num_queries(20):
        patched.setattr(trace_runs, "derive_trace_runs", None)  # it is not derived
        ingest_otlp(project, chat(root))
    due_at = Trace.objects.get().due_at
    ingest_otlp(project, chat(root))
    assert Trace.objects.get().due_at == due_at is not None
    settle(project)
    assert Run.objects.get().prompt_tokens == 120


@pytest.mark.usefixtures("all_traces_are_large")
def test_trickling_trace_is_derived_ever_less_often(project):
    root = agent()
    ingest_otlp(project, root, *(chat(root) for _ in range(20)))
    delays = []
    for _ in range(15):
        settle(project)
        ingest_otlp(project, chat(root))
        trace = Trace.objects.get()
        delays.append(round((trace.due_at - trace.changed_at).total_seconds()))
    assert delays[:4] == [1, 2, 4, 8]
    assert 1 in delays[4:8]  # it has grown by a quarter
    Trace.objects.update(repeated_derivations=pending.MAX_REPEATED_DERIVATIONS)
    assert trace_runs.find_delay(Trace.objects.get()) == trace_runs.MAX_DELAY


@pytest.mark.usefixtures("all_traces_are_large")
def test_change_during_derivation_is_derived_too(project, monkeypatch):
    root = agent()
    ingest_otlp(project, root, chat(root))
    derive = trace_runs.derive_trace_runs

    def derive_beside_a_post(*arguments, **options):
        monkeypatch.setattr(trace_runs, "derive_trace_runs", derive)
        derivation = derive(*arguments, **options)
        ingest_otlp(project, chat(root))  # waits for no lock of the trace
        return derivation

    monkeypatch.setattr(trace_runs, "derive_trace_runs", derive_beside_a_post)
    settle(project)
    assert Run.objects.get().prompt_tokens == 10
    settle(project)
    assert Run.objects.get().prompt_tokens == 20
    assert Trace.objects.get().due_at is None


def test_trace_that_fails_holds_up_no_other(project, monkeypatch):
    for trace_id in ("1" * 32, "2" * 32):
        ingest_otlp(project, agent(members={"traceId": trace_id, "parentSpanId": "f" * 16, "flags": 0x100}))
    derive = pending.derive_traces

    def fail_for_first(project, traces, receipt):
        if traces[0].trace_id[0] == "1":
            raise MemoryError
        derive(project, traces, receipt)

    monkeypatch.setattr(pending, "derive_traces", fail_for_first)
    past = timezone.now() - timedelta(minutes=2)
    Trace.objects.update(changed_at=past, due_at=past)
    with suppress(MemoryError):
        derive_due_traces(project)
    derive_due_traces(project)
    trace = Trace.objects.get(trace_id="1" * 32)
    assert trace.due_at > timezone.now() + timedelta(minutes=4)
    assert Run.objects.get(external_id__startswith=f"trace_{'2' * 32}").status == "completed"


def test_full_trace_takes_no_more_spans(project, monkeypatch):
    monkeypatch.setattr(ingest, "MAX_SPANS_PER_TRACE", 2)
    root = agent()
    ingest_otlp(project, root, chat(root))
    report = ingest_otlp(project, chat(root), chat(members={"traceId": "2" * 32}))
    assert (report.received, report.rejected) == (2, 1)
    assert "no trace may have more than 2 spans" in report.errors[0].message
    assert Span.objects.count() == 3


def measure_nest(depth: int) -> float:
    """Return the processor time for deriving a run of spans of which each is inside the one before it."""
    operations = ("invoke_agent", "chat", "execute_tool", None)
    spans = [
        SpanView(
            SpanLink(f"{number:016x}", f"{number - 1:016x}", 0x100),
            str(number),
            number,
            number + 1,
            {"gen_ai.operation.name": operations[number % 4], "gen_ai.usage.input_tokens": 1},
        )
        for number in range(1, depth)
    ]
    started = time.process_time()
    derive_trace_runs(TRACE_ID, spans, is_settled=False)
    return time.process_time() - started


def test_nested_spans_take_linear_time():
    measure_nest(100)
    assert min(measure_nest(4_000) for _ in range(2)) < 8 * min(measure_nest(1_000) for _ in range(2))


def test_run_of_another_source_is_not_overwritten(project):
    root = agent()
    factories.post_run(project, id=f"trace_{TRACE_ID}_{root['spanId']}")
    other = chat(members={"traceId": "2" * 32})
    report = ingest_otlp(project, root, chat(root), other)
    assert report.rejected == 2
    assert [problem.id for problem in report.errors] == [f"trace_{TRACE_ID}_{root['spanId']}"]
    assert Run.objects.filter(source=RunSource.OTEL).get().external_id == f"trace_{'2' * 32}"


def test_deleted_run_does_not_come_back(project):
    root, other = agent(), agent("other")
    ingest_otlp(project, root, chat(root), other, chat(other))
    delete_runs(project, [f"trace_{TRACE_ID}_{root['spanId']}"], lambda _: None)
    assert Span.objects.count() == 2
    ingest_otlp(project, chat(other))
    assert [run.assistant_id for run in Run.objects.all()] == ["other"]
    delete_runs(project, [f"trace_{TRACE_ID}_{other['spanId']}"], lambda _: None)
    assert not any(model.objects.exists() for model in (Span, SpanOrigin, Trace))
    ingest_otlp(project, root)
    assert [run.assistant_id for run in Run.objects.all()] == ["planner"]


def test_traces_without_runs_are_deleted_after_a_day(project):
    ingest_otlp(project, otel_span())
    delete_traces_without_runs(project)
    assert Span.objects.exists()
    Trace.objects.update(changed_at=timezone.now() - timedelta(days=2))
    delete_traces_without_runs(project)
    assert not Span.objects.exists()


def test_projects_are_apart(project):
    other = factories.make_project("other")
    span = chat()
    ingest_otlp(project, span)
    ingest_otlp(other, span)
    assert Run.objects.in_project(project).count() == Run.objects.in_project(other).count() == 1


def test_run_has_the_tools_of_all_agents(project: Project) -> None:
    def define(*names: str) -> str:
        return json.dumps([{"type": "function", "name": name} for name in names])

    root = agent("triage")
    first = chat(root, **{"gen_ai.tool.definitions": define("transfer", "search")})
    last = chat(root, start=1, **{"gen_ai.tool.definitions": define("search", "get_weather")})
    ingest_otlp(project, root, first, last)
    tools = json.loads(Run.objects.get().as_json())["tools"]
    assert [tool["function"]["name"] for tool in tools] == ["search", "get_weather", "transfer"]


@pytest.mark.parametrize(
    "attributes",
    [{"gen_ai.agent.version": "4"}, {"gen_ai.agent.id": "planner:4"}],
    ids=["attribute", "in the id, as Azure Foundry writes it"],
)
def test_version_of_agent_is_a_configuration(project: Project, attributes: dict[str, str]) -> None:
    for trace_id, own in (("1" * 32, attributes), ("2" * 32, {}), ("3" * 32, attributes)):
        ingest_otlp(project, agent(members={"traceId": trace_id}, **own))
    runs = Run.objects.with_configuration().order_by("external_id")
    assert [json.loads(run.as_json()).get("agent_version") for run in runs] == ["4", None, "4"]
    assert len({run.configuration_id for run in runs}) == 2
    assert {run.assistant_id for run in runs} == {"planner"}
