"""Runs are found by their messages and tool calls, whether the index has them yet or not."""

from __future__ import annotations

import random
from typing import Any

import pytest

from runs.enrichment.search_index import index_search_texts
from runs.models import Project, Run, SearchText
from runs.query import RunFilters, content_search
from tests import factories
from tests.responses import post_responses, response_object
from tests.runs.traces.spans import agent, chat, ingest_otlp, messages, tool

LONG = "x" * 9_990


@pytest.fixture
def talks(project: Project) -> Project:
    """Two threads: one with two questions and three runs, one with a run of two tool calls."""
    start = factories.NOW
    runs = {
        name: factories.run_object(id=f"run_{name}", thread_id=thread, created_at=start + offset)
        for name, thread, offset in (
            ("paris", "t1", 10),
            ("retry", "t1", 20),
            ("thanks", "t1", 40),
            ("tools", "t2", 50),
            ("silent", "t3", 60),
        )
    }
    # messages and steps come before the runs, and a question last
    factories.post_messages(
        project,
        _ask("t1", "Is it warm in PARIS?", start + 9),
        factories.message_object(runs["paris"], "Yes: 22 degrees, très agréable.", thread_id="t1"),
        factories.message_object(runs["retry"], "今日の天気は晴れです。", thread_id="t1"),
        factories.message_object(runs["tools"], f"{LONG} inside outside", thread_id="t2"),
    )
    calls = (
        factories.function_call("get_weather", '{"city": "K\\u00f6ln", "unit": "100%_c"}', '{"degrees": 22}'),
        {"id": "call_code", "type": "code_interpreter", "code_interpreter": {
            "input": "print(6 * 7)", "outputs": [{"type": "logs", "logs": "forty-two"}]}},
    )  # fmt: skip
    factories.post_steps(project, factories.step_object(runs["tools"], *calls, id="step_weather"))
    factories.post(project, *runs.values())
    factories.post_messages(project, _ask("t1", "Thank you, that's all", start + 30))
    return project


def _ask(thread_id: str, text: str, created_at: int) -> dict[str, Any]:
    return factories.message_object(None, text, thread_id=thread_id, created_at=created_at)


def find(project: Project, query: str) -> set[str]:
    runs = RunFilters.parse_query_text(query).apply(Run.objects.in_project(project))
    return {run.external_id.removeprefix("run_") for run in runs}


QUERIES = [
    ("said:paris", {"paris", "retry"}),  # both runs answer the question
    ("asked:paris", {"paris", "retry"}),
    ("answered:paris", set()),
    ('asked:"thank you, THAT\'S"', {"thanks"}),
    ("answered:DEGREES", {"paris"}),
    ("answered:TRÈS", {"paris"}),
    ("answered:天気は", {"retry"}),
    ("answered:天気", {"retry"}),
    ("said:22", {"paris"}),
    ("arguments:Köln", {"tools"}),
    ('arguments:"6 * 7"', {"tools"}),
    ('arguments:"100%_c"', {"tools"}),
    ('arguments:"100__c"', set()),
    ('output:"\\"degrees\\": 22"', {"tools"}),
    ("output:forty-two", {"tools"}),
    ("output:*", {"tools"}),
    ("step:step_weather", {"tools"}),
    ("step:step_w*", {"tools"}),
    ("step:step_x*", set()),
    ("call:call_code", {"tools"}),
    ("call:call_c*", {"tools"}),
    ("call:CALL_CODE", set()),
    ("call:*", {"tools"}),
    ("-said:* -call:*", {"silent"}),
    ("-said:paris thread:t1", {"thanks"}),
    ("said:paris OR call:call_code", {"paris", "retry", "tools"}),
    ("said:paris status:failed", set()),
    ("answered:inside", {"tools"}),
    ("answered:outside", set()),  # beyond the searched length
    ("degrees", {"paris", "tools"}),
    ("step_weather", {"tools"}),
    ("call_code", {"tools"}),
    ("-degrees", {"retry", "thanks", "silent"}),
    ("said:zzqx", set()),
]


@pytest.mark.parametrize("is_indexed", [False, True])
@pytest.mark.parametrize("is_common", [False, True])
def test_queries_find_runs(talks: Project, is_indexed: bool, is_common: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if is_indexed:
        index_search_texts(talks)
    assert not SearchText.objects.filter(is_indexed=not is_indexed).exists()
    if is_common:  # no run is listed
        monkeypatch.setattr(content_search, "MIN_COMMON_MATCHES", 0)
    assert {query: find(talks, query) for query, _ in QUERIES} == dict(QUERIES)


@pytest.mark.parametrize("is_common", [False, True])
def test_runs_of_long_threads_are_found(project: Project, is_common: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    dice, expected = random.Random(7), set()
    runs, posted = [], []
    for thread in (f"t{number}" for number in range(60)):
        questions = {time: dice.choice(["a refund", "something"]) for time in range(8) if dice.random() < 0.4}
        posted += [_ask(thread, text, factories.NOW + time) for time, text in questions.items()]
        last_run = -1
        for time in (time for time in range(8) if dice.random() < 0.5):
            runs.append(
                factories.run_object(id=f"run_{thread}-{time}", thread_id=thread, created_at=factories.NOW + time)
            )
            asked = [at for at in questions if at <= time]
            if any(questions[at] == "a refund" for at in asked if at > last_run or at == asked[-1]):
                expected.add(f"{thread}-{time}")
            last_run = time
    factories.post(project, *runs)
    factories.post_messages(project, *posted)
    index_search_texts(project)
    monkeypatch.setattr(content_search, "MIN_COMMON_MATCHES", 0 if is_common else 1000)
    assert find(project, "asked:refund") == expected
    assert 40 < len(expected) < 200


def test_index_has_letters_of_all_scripts(project: Project) -> None:
    assert content_search.is_every_letter_indexed()
    assert content_search.is_indexed_text("天気は")


@pytest.mark.parametrize(("text", "is_indexed"), [("天気は", False), ("天気は sunny", True), ("caf\u00e9", True)])
def test_database_may_know_ascii_letters_only(monkeypatch: pytest.MonkeyPatch, text: str, is_indexed: bool) -> None:
    monkeypatch.setattr(content_search, "is_every_letter_indexed", lambda: False)
    assert content_search.is_indexed_text(text) is is_indexed


HOSTED_CALLS = [
    ({"type": "web_search_call", "action": {"type": "search", "query": "tide tables"}}, 'arguments:"tide tables"'),
    ({"type": "file_search_call", "queries": ["tide tables"], "results": None}, 'arguments:"tide tables"'),
    ({"type": "file_search_call", "queries": [], "results": [{"text": "High water"}]}, 'output:"high water"'),
    ({"type": "code_interpreter_call", "code": "print(tides)", "outputs": None}, 'arguments:"print(tides"'),
    ({"type": "local_shell_call", "action": {"type": "exec", "command": ["cat", "tides"]}}, "arguments:tides"),
    ({"type": "apply_patch_call", "operation": {"type": "delete_file", "path": "tides.py"}}, "arguments:tides.py"),
    ({"type": "image_generation_call", "result": "aGk=", "revised_prompt": "A tidal wave"}, "arguments:tidal"),
    ({"type": "custom_tool_call", "name": "sql", "input": "SELECT tide"}, 'arguments:"select tide"'),
    ({"type": "mcp_call", "name": "read", "arguments": "{}", "error": "No such tide", "server_label": "s"},
     'output:"no such tide"'),
    ({"type": "mcp_approval_request", "name": "read", "arguments": '{"tide": 1}', "server_label": "s"},
     "arguments:tide"),
    ({"type": "function_call", "call_id": "call_tide", "name": "f", "arguments": "{}"}, "call:call_tide"),
]  # fmt: skip


@pytest.mark.parametrize(("item", "query"), HOSTED_CALLS)
def test_calls_of_responses_are_found(project: Project, item: dict[str, Any], query: str) -> None:
    post_responses(project, response_object({"id": "item_1", "call_id": "call_1", "status": "completed"} | item))
    assert len(find(project, query)) == 1
    assert find(project, "arguments:nowhere") == set()


@pytest.mark.parametrize("query", ["asked:tides", "answered:noon", "arguments:harbour", 'output:"high water"', "noon"])
def test_content_of_spans_is_found(project: Project, query: str) -> None:
    root = agent()
    said = {
        "gen_ai.input.messages": messages(("user", "When are the tides?")),
        "gen_ai.output.messages": messages(("assistant", "At noon.")),
    }
    called = {"gen_ai.tool.call.arguments": '{"place": "harbour"}', "gen_ai.tool.call.result": "High water at 12"}
    ingest_otlp(project, tool("read_tides", root, **called), chat(root, **said), root)
    assert len(find(project, query)) == 1
