from dashboard.pages.run import spans
from tests import factories
from tests.runs.traces.spans import TRACE_ID, agent, chat, ingest_otlp, otel_span


def read_page(client, project, root):
    return client.get(f"/p/{project.slug}/runs/trace_{TRACE_ID}_{root['spanId']}/").text


def test_spans_are_nested_and_shown_as_they_came(member_client, project):
    root = agent("planner")
    inner = otel_span(None, root, members={"name": "GET /inner"})
    ingest_otlp(project, root, inner, chat(inner))
    page = read_page(member_client, project, root)
    assert "GET /inner" in page
    assert page.index(">invoke_agent <") < page.index("GET /inner") < page.index(">chat <")
    assert "&quot;gen_ai.agent.name&quot;" in page
    assert "No content was captured" in page


def test_parents_in_a_circle_are_shown_once(member_client, project):
    root = agent("planner")
    first = otel_span(None, root, members={"name": "first"})
    second = otel_span(None, first, members={"name": "second"})
    ingest_otlp(project, root, first | {"parentSpanId": second["spanId"]}, second)
    page = read_page(member_client, project, root)
    assert page.count(">first <") == page.count(">second <") == 1


def test_large_trace_is_shown_in_part(member_client, project, monkeypatch):
    monkeypatch.setattr(spans, "MAX_SPANS_SHOWN", 2)
    root = agent("planner")
    ingest_otlp(project, root, chat(root, start=1), chat(root, start=2))
    assert "1 more spans are not shown" in read_page(member_client, project, root)


def test_other_runs_have_no_spans(member_client, project):
    run = factories.post_run(project)
    assert 'id="spans"' not in member_client.get(f"/p/{project.slug}/runs/{run.external_id}/").text


def test_deep_nesting_is_flattened(member_client, project):
    chain = [agent("planner")]
    for number in range(150):
        chain.append(otel_span(None, chain[-1], members={"name": f"level {number}"}))
    ingest_otlp(project, *chain)
    assert "level 149 <" in read_page(member_client, project, chain[0])
