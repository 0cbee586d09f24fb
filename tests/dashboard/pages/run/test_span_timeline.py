"""The timeline of a run that is derived from a trace: its spans, nested, folded and filtered."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from dashboard.pages.run.timeline import span_source, visible_rows
from runs.models import Project
from tests.dashboard.pages.run.run_pages import htmx_headers, run_url
from tests.pages import Element, Page
from tests.runs.traces.spans import TRACE_ID, agent, any_value, chat, ingest_otlp, messages, otel_span, tool

SHOW_MORE = re.compile("^Show .* more spans$")


def open_trace_run(client: Client, root: dict[str, Any], query: str = "", target: str = "") -> Page:
    url = run_url(f"trace_{TRACE_ID}_{root['spanId']}") + query
    response = client.get(url, headers=htmx_headers(target) if target else {})
    assert response.status_code == 200
    return Page(response)


def rows_of(page: Element) -> list[tuple[int, str]]:
    """Return the level and the name of each row."""
    return [(int(row.get("aria-level") or 0), row.name.split(",")[0]) for row in page.find_all("treeitem")]


def big_trace(branches: int, leaves: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the root of a trace, and all its spans: tools with HTTP requests below."""
    root = agent("planner")
    spans = [root]
    for branch in range(branches):
        spans.append(tool(f"tool {branch}", root, start=branch, members={"name": f"tool {branch}"}))
        parent = spans[-1]
        spans += [otel_span(None, parent, members={"name": f"GET {branch}/{leaf}"}) for leaf in range(leaves)]
    return root, spans


def test_spans_are_nested(member_client: Client, project: Project) -> None:
    root = agent("planner")
    inner = otel_span(None, root, members={"name": "GET /inner"})
    ingest_otlp(project, root, inner, chat(inner))
    page = open_trace_run(member_client, root)
    assert rows_of(page.region("Timeline")) == [(1, "1 invoke_agent"), (2, "2 GET /inner"), (3, "3 chat")]
    assert "3 spans of the trace" in page.region("Timeline").text


def test_content_of_span_is_complete(member_client: Client, project: Project) -> None:
    link = {"traceId": "f" * 32, "spanId": "e" * 16, "attributes": [{"key": "why", "value": any_value("retry")}]}
    event = {"name": "exception", "attributes": [{"key": "exception.type", "value": any_value("TimeoutError")}]}
    root = agent(
        "planner",
        members={"status": {"code": 2, "message": "Gave up."}, "links": [link], "events": [event], "kind": 3},
        **{"gen_ai.input.messages": messages(("user", "Where is it?")), "custom.note": "seen"},
    )
    ingest_otlp(project, root, chat(root))
    row = open_trace_run(member_client, root, target=f"row-{root['spanId']}")
    for text in (
        *("Gave up.", "Where is it?", "custom.note seen", "Links (1)", "f" * 32, "why retry", "Events (1)"),
        *("exception.type TimeoutError", "Kind client", '"traceId"', "Resource", root["spanId"]),
    ):
        assert text in row.text, text


@pytest.mark.parametrize("shape", ["circle", "missing parent"])
def test_odd_parents_are_drawn_once(member_client: Client, project: Project, shape: str) -> None:
    root = agent("planner")
    first = otel_span(None, root, members={"name": "first"})
    second = otel_span(None, first, members={"name": "second"})
    parent = second["spanId"] if shape == "circle" else "f" * 16
    ingest_otlp(project, root, first | {"parentSpanId": parent}, second)
    names = [name.split()[1] for _, name in rows_of(open_trace_run(member_client, root).region("Timeline"))]
    assert sorted(names) == ["first", "invoke_agent", "second"]


def test_thousand_spans_are_folded_by_level(member_client: Client, project: Project) -> None:
    root, spans = big_trace(branches=45, leaves=20)
    ingest_otlp(project, *spans)
    timeline = open_trace_run(member_client, root).region("Timeline")
    assert "946 spans" in timeline.text
    rows = timeline.find_all("treeitem")
    assert 46 <= len(rows) <= visible_rows.MAX_UNFOLDED_ROWS + 1
    folded = [row for row in rows if row.get("aria-expanded") == "false"]
    assert len(folded) > 40
    fold = folded[0].link(re.compile("20 below"))
    branch = open_trace_run(member_client, root, fold.get("hx-get") or "", target="any")
    assert {level for level, _ in rows_of(branch)} == {3}
    assert len(rows_of(branch)) == 20
    whole = open_trace_run(member_client, root, fold.url.partition("#")[0]).region("Timeline")
    assert len(whole.find_all("treeitem")) == len(rows) + 20


def test_long_level_is_fetched_in_parts(member_client: Client, project: Project) -> None:
    root, spans = big_trace(branches=250, leaves=0)
    ingest_otlp(project, *spans)
    page = open_trace_run(member_client, root, f"?unfold={root['spanId']}")
    seen = rows_of(page)
    while page.has("link", SHOW_MORE):
        page = open_trace_run(member_client, root, page.link(SHOW_MORE).get("hx-get") or "", target="any")
        seen += rows_of(page)
    names = [name for _, name in seen if "more" not in name]
    assert len(names) == len(set(names)) == 251


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?name=GET+1/1", ["1 invoke_agent", "5 tool 1", "7 GET 1/1"]),
        ("?kind=tool", ["1 invoke_agent", "2 tool 0", "5 tool 1", "8 tool 2"]),
        ("?failed=1", ["1 invoke_agent", "8 tool 2", "11 broken"]),
        ("?name=absent", []),
        ("?zoom=2500000-3000000", ["1 invoke_agent", "8 tool 2", "11 broken"]),
    ],
)
def test_filter_keeps_matches_with_ancestors(
    member_client: Client, project: Project, query: str, expected: list[str]
) -> None:
    root, spans = big_trace(branches=3, leaves=2)
    broken = otel_span(None, spans[-3], members={"name": "broken", "status": {"code": 2}}, start=2)
    ingest_otlp(project, *spans, broken)
    timeline = open_trace_run(member_client, root, query).region("Timeline")
    assert [name for _, name in rows_of(timeline)] == expected


def test_failed_span_is_in_view_though_folded(member_client: Client, project: Project) -> None:
    root, spans = big_trace(branches=120, leaves=3)
    broken = otel_span(None, spans[-4], members={"name": "broken", "status": {"code": 2}})
    ingest_otlp(project, *spans, broken)
    assert any("broken" in name for _, name in rows_of(open_trace_run(member_client, root)))


def test_other_runs_of_trace_are_folded(member_client: Client, project: Project) -> None:
    first, second = agent("first", members={"name": "first"}), agent("second", members={"name": "second"})
    ingest_otlp(project, first, chat(first), second, chat(second))
    rows = open_trace_run(member_client, second).region("Timeline").find_all("treeitem")
    assert {row.name.split(",")[0][2:]: row.get("aria-expanded") for row in rows if row.get("aria-expanded")} == {
        "first": "false",
        "second": "true",
    }


def test_spans_after_the_first_are_counted(
    member_client: Client, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(span_source, "MAX_SPANS", 2)
    root = agent("planner")
    ingest_otlp(project, root, chat(root, start=1), chat(root, start=2))
    assert "1 more span came after the first 2" in open_trace_run(member_client, root).region("Timeline").text


def test_deep_nesting_is_drawn(member_client: Client, project: Project) -> None:
    chain = [agent("planner")]
    for number in range(150):
        chain.append(otel_span(None, chain[-1], members={"name": f"level {number}"}))
    ingest_otlp(project, *chain)
    timeline = open_trace_run(member_client, chain[0], "?name=level+149").region("Timeline")
    assert "level 149" in timeline.text


def test_steps_of_trace_are_one_click_away(member_client: Client, project: Project) -> None:
    root = agent("planner")
    ingest_otlp(project, root, chat(root, **{"gen_ai.output.messages": messages(("assistant", "It is here."))}))
    link = open_trace_run(member_client, root).navigation("Timeline view").link("Steps")
    timeline = open_trace_run(member_client, root, link.url.partition("#")[0]).region("Timeline")
    assert "1 step, 0 tool calls" in timeline.text
    assert "It is here." in timeline.text


def test_unknown_span_gets_404(member_client: Client, project: Project) -> None:
    root = agent("planner")
    ingest_otlp(project, root, chat(root))
    url = run_url(f"trace_{TRACE_ID}_{root['spanId']}")
    assert member_client.get(url, headers=htmx_headers("row-" + "f" * 16)).status_code == 404


def test_configuration_and_raw_json_name_the_source(member_client: Client, project: Project) -> None:
    root = agent("planner")
    ingest_otlp(project, root, chat(root))
    page = open_trace_run(member_client, root)
    assert page.region("Configuration").definition("Source").text == "otel"
    assert "Derived from the spans in the timeline" in page.region("Raw JSON").text


def test_missing_content_names_the_setting(member_client: Client, project: Project) -> None:
    root = agent("planner")
    call = chat(root)
    ingest_otlp(project, root, call)
    assert "No content was captured" in open_trace_run(member_client, root).region("Timeline").text
    assert "No content was captured" in open_trace_run(member_client, root, target=f"row-{call['spanId']}").text
