"""What is wrong is refused with a reason, and all else in the body is stored."""

from __future__ import annotations

import json
from typing import Any, NoReturn

import pytest
from django.db import OperationalError

from runs.errors import InvalidObject, UnreadableBody
from runs.ingest import RawItem
from runs.models import Message, Project, Response, Run
from runs.responses import ingest_any, parse_item_page, store_input_items
from tests import factories
from tests.responses import answer, call, post_responses, response_object


@pytest.mark.parametrize(
    ("members", "path", "words"),
    [
        ({"id": ...}, "/id", "required"),
        ({"id": 7}, "/id", "expected string"),
        ({"id": "a/b"}, "/id", "must not contain"),
        ({"object": "thread.run"}, "/object", 'expected "response"'),
        ({"created_at": ...}, "/created_at", "required"),
        ({"created_at": "now"}, "/created_at", "expected number"),
        ({"created_at": -1}, "/created_at", ">= 0"),
        ({"created_at": 1e30}, "/created_at", "<="),
        ({"output": {}}, "/output", "expected array"),
        ({"output": [{"id": "x"}]}, "/output/0/type", "required"),
        ({"output": [7]}, "/output/0", "expected object"),
        ({"usage": {"input_tokens": "7"}}, "/usage/input_tokens", "integer"),
        ({"usage": {"input_tokens": 2**70}}, "/usage/input_tokens", ""),
        ({"previous_response_id": {"id": "x"}}, "/previous_response_id", "string"),
        ({"conversation": 7}, "/conversation", "expected"),
        ({"tools": "all"}, "/tools", "array"),
        ({"metadata": "none"}, "/metadata", "object"),
        ({"status": 3}, "/status", "string"),
        ({"error": 3}, "/error", "object"),
        ({"id": "resp_self", "previous_response_id": "resp_self"}, "/previous_response_id", "return to itself"),
    ],
)
def test_invalid_response_is_refused(project: Project, members: dict[str, Any], path: str, words: str) -> None:
    report = post_responses(project, response_object(id="resp_before"), response_object(**members), response_object())
    assert [(problem.index, problem.path) for problem in report.errors] == [(1, path)]
    assert words in report.errors[0].message
    assert report.counts["created"] == Run.objects.count() == 2


def test_unusual_values_are_accepted(project: Project) -> None:
    report = post_responses(
        project,
        {"id": "a", "object": "response", "created_at": 1.5},
        response_object(status="complete", usage={}, instructions=None, metadata=None, tools=None),
        response_object(status=..., reasoning="high", error="it broke", conversation="conv_1"),
        response_object(
            {"type": "vendor_item", "x": [1]}, status="paused", tools=[{"name": "x"}, {"type": "function"}]
        ),
        response_object(answer(content="plain"), answer(content=None, role=None, id=None), temperature="hot"),
        response_object({"type": "function_call", "id": None, "arguments": {"a": 1}}, instructions=[{"content": "Hi"}]),
        response_object(answer(text="\x00 and \ud800"), created_at=0, completed_at=1e17),
    )
    assert not report.errors
    assert Run.objects.count() == 7


@pytest.mark.parametrize("together", [True, False])
def test_cycle_is_refused_where_it_closes(project: Project, together: bool) -> None:
    ring = [response_object(call(), id=f"resp_{n}", previous_response_id=f"resp_{(n + 1) % 3}") for n in range(3)]
    hanging = response_object(id="resp_hanging", previous_response_id="resp_0")
    batches = [[*ring, hanging]] if together else [[response] for response in (*ring, hanging)]
    reports = [post_responses(project, *batch) for batch in batches]
    problems = [problem for report in reports for problem in report.errors]
    assert [(problem.id, problem.path) for problem in problems] == [("resp_2", "/previous_response_id")]
    assert set(Response.objects.values_list("external_id", flat=True)) == {"resp_0", "resp_1", "resp_hanging"}
    assert set(Run.objects.values_list("thread_id", flat=True)) == {"resp_2"}


def test_changed_link_is_refused(project: Project) -> None:
    response = response_object(previous_response_id="resp_a")
    report = post_responses(project, response, response | {"previous_response_id": "resp_b"})
    assert [(problem.index, problem.path) for problem in report.errors] == [(1, "/previous_response_id")]
    assert "expected resp_a" in report.errors[0].message


def test_id_of_posted_run_is_refused(project: Project) -> None:
    factories.post_run(project, id="resp_taken")
    report = post_responses(project, response_object(id="resp_taken"), response_object())
    assert [(problem.index, problem.id) for problem in report.errors] == [(0, "resp_taken")]
    assert report.counts["created"] == 1
    assert Response.objects.count() == 1


def test_sum_beyond_bigint_is_refused(project: Project) -> None:
    usage = {"input_tokens": 2**62, "output_tokens": 2**62, "total_tokens": 2**62}
    first = response_object(call(), usage=usage)
    second, third = (
        response_object(call() if n == 1 else answer(), at=n, usage=usage) | {"previous_response_id": previous}
        for n, previous in ((1, first["id"]), (2, None))
    )
    assert not post_responses(project, first).errors
    report = post_responses(project, second, third)
    assert [problem.index for problem in report.errors] == [0]
    assert Run.objects.count() == 2


def test_answer_to_deletion_is_ignored(project: Project) -> None:
    report = post_responses(project, {"id": "resp_1", "object": "response", "deleted": True}, response_object())
    assert (report.ignored, report.counts["created"], report.errors) == (1, 1, [])
    assert "deletion" in report.warnings[0].message


@pytest.mark.parametrize("size_mb", [9])
def test_huge_item_is_refused(project: Project, size_mb: int) -> None:
    report = post_responses(project, response_object(answer("x" * size_mb * 1024**2)), response_object())
    assert [problem.index for problem in report.errors] == [0]
    assert "larger than" in report.errors[0].message
    assert report.counts["created"] == 1


def test_duplicates_in_one_body_count_once(project: Project) -> None:
    response = response_object()
    report = post_responses(project, response, response, response)
    assert report.counts | {"created": 1, "unchanged": 2} == report.counts
    assert Run.objects.count() == 1


@pytest.mark.parametrize(
    ("page", "path"),
    [
        ({"data": {}}, "/data"),
        ({"data": [{"type": "message"}]}, "/data/0/id"),
        ({"data": [{"id": "a", "type": 3}]}, "/data/0/type"),
        ({"data": ["x"]}, "/data/0"),
        ({}, "/data"),
    ],
)
def test_invalid_item_page_is_refused(page: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidObject) as caught:
        parse_item_page(json.dumps(page).encode())
    assert [problem.path for problem in caught.value.problems] == [path]


def test_broken_item_page_is_unreadable() -> None:
    with pytest.raises(UnreadableBody):
        parse_item_page(b'{"data": [')


def test_items_may_come_before_response(project: Project) -> None:
    response = response_object()
    page = parse_item_page(b'[{"id":"msg_1","type":"message","role":"user","content":"Hello?"}]')
    store_input_items(project, response["id"], page)
    post_responses(project, response)
    assert sorted(Message.objects.values_list("text", flat=True)) == ["Hello?", "There are none."]


def test_mixed_objects_are_stored_together_or_not(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    objects = [response_object(id="resp_1"), factories.run_object(), {"object": "thread.run"}]
    items = [RawItem(index, json.dumps(value).encode()) for index, value in enumerate(objects)]

    def fail(*_: object, **__: object) -> NoReturn:
        raise OperationalError("connection refused")

    with monkeypatch.context() as patched:
        patched.setattr("runs.responses.ingest.ingest_mixed", fail)
        with pytest.raises(OperationalError):
            ingest_any(project, items)
    assert not Response.objects.exists()
    assert not Run.objects.exists()

    report = ingest_any(project, items)
    assert (report.counts["created"], report.counts["rejected"]) == (2, 1)
    assert Run.objects.count() == 2
