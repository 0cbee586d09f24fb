"""Files of every kind that the API takes: what is stored of them, and how they are counted."""

from __future__ import annotations

import base64
import gzip
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from runs.errors import UnreadableBody
from runs.models import Conversation, ListedItem, Message, Project, Response, Run, Span
from runs.transfer.import_files import ImportSource, open_import_sources
from runs.transfer.import_records import ItemListName, ItemsOrder, PageDefaults, PageOwner
from runs.transfer.imports import ImportSummary, import_source
from tests.factories import run_object
from tests.responses import answer, question, response_object
from tests.runs.traces.spans import agent, chat, otel_span, otlp_body


def import_content(
    project: Project, content: bytes | str, name: str = "file", **options: Any
) -> tuple[dict[str, int], list[str]]:
    """Import a file; return its counts that are not 0, and why records were rejected."""
    raw = content.encode() if isinstance(content, str) else content
    summary = ImportSummary()
    source = ImportSource(name, iter([raw[begin : begin + 100] for begin in range(0, len(raw), 100)]), io.BytesIO())
    batches = list(import_source(project, source, summary, **options))
    problems = [f"{p.path} {p.message}" for batch in batches for record in batch.rejected for p in record.problems]
    counts = {name: count for name, count in summary.outcomes.items() if count}
    return counts | ({"ignored": summary.ignored} if summary.ignored else {}), problems


def lines(*objects: Any) -> str:
    return "".join(json.dumps(value) + "\n" for value in objects)


def export_request(*spans: dict[str, Any]) -> dict[str, Any]:
    request: dict[str, Any] = json.loads(otlp_body(spans))
    return request


def page(*items: dict[str, Any], **members: Any) -> dict[str, Any]:
    """Return a page as the API sends it: the newest item first."""
    return {"object": "list", "data": list(items)[::-1], "has_more": False} | members


def response_events(response: dict[str, Any]) -> list[dict[str, Any]]:
    started = {**response, "status": "in_progress", "output": [], "usage": None, "completed_at": None}
    return [
        {"type": "response.created", "response": started},
        {"type": "response.output_text.delta", "delta": "There"},
        {"type": "response.completed", "response": response},
    ]


def event_stream(response: dict[str, Any]) -> str:
    return "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in response_events(response))


def agents_trace() -> list[dict[str, Any]]:
    trace_id = f"trace_{'ab' * 16}"
    times = {"started_at": "2026-11-20T10:00:00Z", "ended_at": "2026-11-20T10:00:02Z"}
    data = {"type": "agent", "name": "Support"}
    return [
        {"object": "trace", "id": trace_id, "workflow_name": "Support"},
        {"object": "trace.span", "id": "span_1", "trace_id": trace_id, "span_data": data, **times},
    ]


@pytest.mark.parametrize("prefix", ["", ": ping\n\n", "id: 7\n", "\n\n", "\ufeff", "retry: 3000\n"])
def test_recorded_stream_becomes_a_run(project: Project, prefix: str) -> None:
    response = response_object()
    counts, _ = import_content(project, prefix + event_stream(response))
    assert counts == {"created": 1, "updated": 1, "ignored": 1}
    assert json.loads(Response.objects.get().body) == response
    assert Run.objects.get().status == "completed"


def test_stream_of_assistants_is_stored(project: Project) -> None:
    run = run_object()
    counts, _ = import_content(project, f"event: thread.run.completed\ndata: {json.dumps(run)}\n\ndata: [DONE]\n")
    assert counts == {"created": 1, "ignored": 1}
    assert Run.objects.get().external_id == run["id"]


def test_streams_after_each_other_are_all_stored(project: Project) -> None:
    responses = [response_object() for _ in range(30)]
    counts, _ = import_content(project, "".join(map(event_stream, responses)))
    assert counts == {"created": 30, "updated": 30, "ignored": 30}


def test_damaged_stream_lines_name_their_line(project: Project) -> None:
    stream = event_stream(response_object()) + "no event\n" + 'data: {"object": broken\n\n'
    counts, problems = import_content(project, stream)
    assert counts["rejected"] == 2
    assert problems[0] == " not a line of an event stream: no event"


@pytest.mark.parametrize("wrap", [lambda event: event, lambda event: {"event": event["type"], "data": event}])
def test_events_as_json_are_stored(project: Project, wrap: Any) -> None:
    response = response_object()
    counts, _ = import_content(project, lines(*map(wrap, response_events(response)), run_object()))
    assert counts == {"created": 2, "updated": 1, "ignored": 1}
    assert json.loads(Response.objects.get().body) == response


def test_request_beside_response_is_stored(project: Project) -> None:
    pair = {"request": {"model": "gpt-5-mini", "input": "Any orders?"}, "response": response_object()}
    assert import_content(project, lines(pair))[0] == {"created": 1}
    assert Response.objects.get().request is not None


@pytest.mark.parametrize(
    ("name", "wrap"),
    [
        ("page.json", lambda page: {"response_id": "resp_1", "input_items": page}),
        ("page.json", lambda page: {"response_id": "resp_1", "input_items": page["data"]}),
        ("page.json", lambda page: {"response_id": "resp_1", "input_items": page["data"][::-1], "order": "asc"}),
        ("data/responses/resp_1/input_items.json", lambda page: page),
        ("resp_1.input_items.json", lambda page: page),
        ("resp_1.input_items.json", lambda page: page["data"]),
        ("resp_1.input_items.2.jsonl.gz", lambda page: page),
        ("resp%5F1.input_items", lambda page: page),
    ],
)
def test_page_says_whose_items_it_has(project: Project, name: str, wrap: Any) -> None:
    earlier, asked = question("Who are you?"), question()
    import_content(project, lines(response_object(id="resp_1")))
    counts, _ = import_content(project, json.dumps(wrap(page(earlier, asked))), name)
    assert counts.keys() == {"updated"}
    stored = list(ListedItem.objects.of_owner(project.record_id("resp_1")).values_list("external_id", flat=True))
    assert stored == [earlier["id"], asked["id"]]
    assert Message.objects.filter(external_id=asked["id"]).exists()
    assert import_content(project, json.dumps(wrap(page(earlier, asked))), name)[0].keys() == {"unchanged"}


@pytest.mark.parametrize(
    ("name", "wrap"),
    [
        ("page.json", lambda page: {"conversation_id": "conv_1", "items": page}),
        ("conversations/conv_1/items.json", lambda page: page),
        ("conv_1.items.json", lambda page: page),
    ],
)
def test_conversation_and_its_items_are_stored(project: Project, name: str, wrap: Any) -> None:
    conversation = {"id": "conv_1", "object": "conversation", "created_at": 1_795_000_000, "metadata": {}}
    assert import_content(project, lines(conversation)) == ({"created": 1}, [])
    assert import_content(project, lines(conversation)) == ({"unchanged": 1}, [])
    counts, _ = import_content(project, json.dumps(wrap(page(question(), answer()))), name)
    assert counts == {"updated": 1}
    assert ListedItem.objects.of_conversation(project, "conv_1").count() == 2
    assert Conversation.objects.get().external_id == "conv_1"


def test_options_say_whose_items_pages_have(project: Project) -> None:
    asked, answered = question(), answer()
    defaults = PageDefaults(PageOwner(ItemListName.CONVERSATION_ITEMS, "conv_1"), ItemsOrder.ASCENDING)
    content = lines({**page(asked, answered), "data": [asked, answered]})
    assert import_content(project, content, defaults=defaults)[0] == {"updated": 1}
    stored = ListedItem.objects.of_conversation(project, "conv_1").order_by("position")
    assert [item.external_id for item in stored] == [asked["id"], answered["id"]]


@pytest.mark.parametrize("content", [lines(page(question(), answer())), json.dumps([question(), answer()])])
def test_page_of_unknown_owner_is_rejected(project: Project, content: str) -> None:
    counts, problems = import_content(project, content)
    assert counts == {"rejected": len(problems)}
    assert all('wrap it as {"response_id": …, "input_items": …}' in problem for problem in problems)
    assert not ListedItem.objects.exists()


@pytest.mark.parametrize(
    ("wrapper", "path"),
    [
        ({"response_id": 7, "input_items": []}, "/response_id"),
        ({"response_id": "resp_1", "input_items": [], "order": "up"}, "/order"),
        ({"response_id": "resp_1", "input_items": [{"type": "message"}]}, "/input_items/data/0/id"),
        ({"conversation_id": "conv_1", "items": [], "after": 7}, "/after"),
        ({"object": "conversation"}, "/id"),
    ],
)
def test_invalid_wrapper_names_the_field(project: Project, wrapper: dict[str, Any], path: str) -> None:
    counts, problems = import_content(project, lines(wrapper, run_object()))
    assert counts == {"rejected": 1, "created": 1}
    assert problems[0].startswith(path)


def test_otlp_requests_per_line_are_stored(project: Project) -> None:
    root = agent("Support")
    content = lines(export_request(chat(root)), export_request(root), {"resourceMetrics": []})
    counts, _ = import_content(project, content)
    assert counts == {"created": 2, "ignored": 1}
    assert Span.objects.count() == 2
    assert Run.objects.get().assistant_id == "Support"
    assert import_content(project, content)[0] == {"unchanged": 2, "ignored": 1}


def test_wrong_span_rejects_itself_alone(project: Project) -> None:
    wrong = otel_span("chat", members={"spanId": "00"})
    counts, problems = import_content(project, lines(export_request(chat(), wrong), {"resourceSpans": 7}))
    assert counts == {"created": 1, "rejected": 2}
    assert problems[0].startswith("/resourceSpans/0/scopeSpans/0/spans/1/spanId")


def test_protobuf_request_is_stored(project: Project, tmp_path: Path) -> None:
    request = export_request(agent())
    message = ParseDict(encode_ids(request), ExportTraceServiceRequest()).SerializeToString()
    (tmp_path / "a.pb.gz").write_bytes(gzip.compress(message))
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("traces.pb", message)
        archive.writestr("stream.sse", event_stream(response_object()))
        archive.writestr("notes.txt", "a note")
    summary, skipped = ImportSummary(), list[str]()
    for source in open_import_sources([str(tmp_path)], skipped):
        list(import_source(project, source, summary))
    assert +summary.outcomes == {"created": 2, "unchanged": 1, "updated": 1}
    assert [name.rpartition("/")[2] for name in skipped] == ["notes.txt"]


def encode_ids(request: dict[str, Any]) -> dict[str, Any]:
    """Return a request as protobuf's own JSON has it: ids in base64."""
    copied = json.loads(json.dumps(request))
    for span in copied["resourceSpans"][0]["scopeSpans"][0]["spans"]:
        for name in ("traceId", "spanId", "parentSpanId"):
            if name in span:
                span[name] = base64.b64encode(bytes.fromhex(span[name])).decode()
    return copied


def test_broken_protobuf_is_rejected(project: Project) -> None:
    counts, problems = import_content(project, b"\n\x20\n\x02\n\x00\x12\x04\n\x01\x12")
    assert counts == {"rejected": 1}
    assert problems


def test_objects_of_agents_sdk_are_stored(project: Project) -> None:
    counts, _ = import_content(project, json.dumps({"data": agents_trace()}))
    assert counts == {"created": 2}
    assert import_content(project, lines(*agents_trace(), {"object": "trace.span"}))[0] == {
        "unchanged": 2,
        "rejected": 1,
    }


def test_dry_run_of_all_kinds_stores_nothing(project: Project) -> None:
    wrapped = {"response_id": "resp_1", "input_items": page(question())}
    content = lines(run_object(), response_object(), wrapped, export_request(chat()), *agents_trace())
    dry, _ = import_content(project, content, dry_run=True)
    assert not any(model.objects.exists() for model in (Run, Response, Span, ListedItem))
    assert dry == import_content(project, content)[0]


def test_endless_line_of_a_stream_is_refused(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runs.transfer.import_files.size_limits._MAX_VALUE_BYTES", 500)
    with pytest.raises(UnreadableBody, match="file: line 2: a value has more than 500 bytes"):
        import_content(project, "event: response.created\ndata: " + "x" * 2000)
