"""Responses are joined into turns, and each turn is a run, whatever the order of arrival."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from runs.ingest import Outcome
from runs.models import Project, Response, Run, RunAlias, RunSource, RunStep
from runs.responses import parse_item_page, store_conversation_items, store_input_items
from runs.team.deletion import delete_runs, delete_thread
from tests import factories
from tests.read_back import read_back_runs
from tests.responses import answer, call, call_output, describe_runs, post_responses, question, response_object
from tests.runs.rollups.test_runs import read_rollups, recount_rollups


def chain(*outputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return responses of which each continues the one before it."""
    responses: list[dict[str, Any]] = []
    for at, output in enumerate(outputs):
        previous = responses[-1]["id"] if responses else None
        responses.append(response_object(*output, at=10 * at, previous_response_id=previous))
    return responses


def turns(project: Project) -> dict[str, list[str]]:
    """Return the responses of each run, by id."""
    return {run_id: described["run"]["response_ids"] for run_id, described in describe_runs(project).items()}


def test_turn_is_one_run(project: Project) -> None:
    asked = call()
    first, second, other = chain([asked], [answer()], [answer("Next.")])
    post_responses(project, first, second, other)
    assert turns(project) == {first["id"]: [first["id"], second["id"]], other["id"]: [other["id"]]}
    run = Run.objects.get(external_id=first["id"])
    assert (run.status, run.thread_id, run.source) == ("completed", first["id"], RunSource.RESPONSES)
    assert (run.prompt_tokens, run.total_tokens, run.duration_ms) == (240, 300, 13_000)
    assert Run.objects.get(external_id=other["id"]).thread_id == first["id"]


def test_next_response_completes_the_call(project: Project) -> None:
    first, second = chain([call()], [answer()])
    post_responses(project, first)
    assert list(RunStep.objects.values_list("status", flat=True)) == ["in_progress"]
    post_responses(project, second)  # its request, which has the output, is not posted
    assert set(RunStep.objects.values_list("status", flat=True)) == {"completed"}


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2), (1, 2, 0)])
def test_late_response_moves_run(project: Project, order: tuple[int, ...]) -> None:
    responses = chain([call()], [call()], [answer()])
    for index in order:
        post_responses(project, responses[index])
    ids = [response["id"] for response in responses]
    assert turns(project) == {ids[0]: ids}
    assert sorted(RunAlias.objects.values_list("external_id", "run_external_id")) == sorted(
        (later, ids[0]) for later in ids[1:]
    )
    assert set(Run.objects.values_list("thread_id", flat=True)) == {ids[0]}
    assert read_rollups(project) == recount_rollups(project)


def test_fork_begins_a_run(project: Project) -> None:
    first = response_object(call())
    left, right = (
        response_object(at=at, previous_response_id=first["id"], id=f"resp_{name}")
        for at, name in ((20, "right"), (10, "left"))
    )
    post_responses(project, left)
    post_responses(project, right)
    post_responses(project, first)
    assert turns(project) == {first["id"]: [first["id"], "resp_left"], "resp_right": ["resp_right"]}


def test_conversation_joins_by_time(project: Project) -> None:
    conversation = {"id": "conv_1"}
    first, second, third = (
        response_object(*output, at=10 * at, conversation=conversation, id=f"resp_{at}", previous_response_id=...)
        for at, output in enumerate([[call()], [call()], [answer()]])
    )
    for response in (third, first):
        post_responses(project, response)
    assert turns(project) == {"resp_0": ["resp_0", "resp_2"]}
    post_responses(project, second)
    assert turns(project) == {"resp_0": ["resp_0", "resp_1", "resp_2"]}
    assert Run.objects.get().thread_id == "conv_1"


def test_response_between_two_splits_turn(project: Project) -> None:
    first, between, last = (
        response_object(*output, at=10 * at, conversation="conv_1", id=f"resp_{at}")
        for at, output in enumerate([[call()], [answer()], [answer()]])
    )
    post_responses(project, first, last)
    assert turns(project) == {"resp_0": ["resp_0", "resp_2"]}
    post_responses(project, between)
    assert turns(project) == {"resp_0": ["resp_0", "resp_1"], "resp_2": ["resp_2"]}
    assert sorted(RunAlias.objects.values_list("external_id", flat=True)) == ["resp_1"]


def test_open_call_requires_action(project: Project) -> None:
    asked = call("refund")
    post_responses(project, response_object(asked))
    run = Run.objects.get()
    assert (run.status, run.pending_functions, run.ended_at) == ("requires_action", ["refund"], None)


def test_output_fills_call_of_earlier_response(project: Project) -> None:
    asked = call()
    first, second = chain([asked], [answer()])
    post_responses(project, second, first)
    page = {"data": [call_output(asked, "sunny"), asked, question("Weather?")], "has_more": False}
    assert store_input_items(project, second["id"], parse_item_page(factories.json.dumps(page).encode())) == 3
    described = describe_runs(project)[first["id"]]
    function = described["steps"][asked["id"]]["step_details"]["tool_calls"][0]["function"]
    assert (function["output"], described["steps"][asked["id"]]["status"]) == ("sunny", "completed")


def test_request_gives_question_and_outputs(project: Project) -> None:
    asked = call()
    first, second = chain([asked], [answer()])
    bodies = [
        {"request": {"input": "Any orders?"}, "response": first},
        {"request": {"input": [call_output(asked, [{"type": "input_text", "text": "3"}])]}, "response": second},
    ]
    report = post_responses(project, *bodies)
    assert not report.errors
    described = describe_runs(project)[first["id"]]
    texts = sorted(message["content"][0]["text"]["value"] for message in described["messages"].values())
    assert texts == ["Any orders?", "There are none."]
    assert described["steps"][asked["id"]]["step_details"]["tool_calls"][0]["function"]["output"] == "3"


def test_items_of_one_second_keep_their_order(project: Project) -> None:
    items = [{"id": "rs_z", "type": "reasoning", "summary": []}, answer("1", id="msg_b"), call(id="fc_a"),
             answer("2", id="msg_a")]  # fmt: skip
    request = {"input": [question("First?"), question("Second?"), question("Third?")]}
    post_responses(project, {"request": request, "response": response_object(*items)})
    ((_, steps, messages),) = read_back_runs(project)
    assert [factories.json.loads(step)["id"] for step in steps] == ["rs_z", "msg_b", "fc_a", "msg_a"]
    texts = [factories.json.loads(message)["content"][0]["text"]["value"] for message in messages]
    assert texts == ["First?", "Second?", "Third?", "1", "2"]


def test_conversation_items_give_questions(project: Project) -> None:
    asked = call()
    first = response_object(asked, conversation="conv_1", id="resp_0")
    second = response_object(at=10, conversation="conv_1", id="resp_1")
    post_responses(project, first, second)
    items = [question("Weather?"), asked, call_output(asked, "rain"), *second["output"]]
    for part in (items[:2], items[2:]):
        page = parse_item_page(factories.json.dumps({"data": part[::-1]}).encode(), after=None)
        store_conversation_items(project, "conv_1", page)
    described = describe_runs(project)["resp_0"]
    assert "Weather?" in str(described["messages"])
    assert described["steps"][asked["id"]]["step_details"]["tool_calls"][0]["function"]["output"] == "rain"


@pytest.mark.parametrize(
    ("members", "assistant_id"),
    [
        ({"agent_reference": {"type": "agent_reference", "name": "Desk", "version": "4"}}, "Desk"),
        ({"agent": {"type": "agent_id", "name": "Old desk", "version": "1"}}, "Old desk"),
        ({"prompt": {"id": "pmpt_1"}, "metadata": {"agent": "desk"}}, "pmpt_1"),
        ({"metadata": {"agent": "desk"}}, "desk"),
        ({"metadata": {"agent": "no/id"}}, "responses"),
        ({}, "responses"),
    ],
)
def test_assistant_is_the_agent(project: Project, members: dict[str, Any], assistant_id: str) -> None:
    post_responses(project, response_object(**members))
    assert Run.objects.get().assistant_id == assistant_id


@pytest.mark.parametrize("member", ["agent_reference", "agent", "prompt"])
def test_version_of_agent_is_a_configuration(project: Project, member: str) -> None:
    for version in ("3", "4", "4"):
        post_responses(project, response_object(**{member: {"id": "desk", "name": "desk", "version": version}}))
    runs = Run.objects.with_configuration().order_by("external_id")
    assert [factories.json.loads(run.as_json())["agent_version"] for run in runs] == ["3", "4", "4"]
    assert len({run.configuration_id for run in runs}) == 2
    assert {run.assistant_id for run in runs} == {"desk"}


def test_snapshots_merge_and_keep_history(project: Project) -> None:
    done = response_object()
    begun = done | {"status": "in_progress", "output": [], "usage": None, "completed_at": None}
    queued = begun | {"status": "queued"}
    outcomes = [post_responses(project, state).outcomes[0] for state in (begun, done, queued, done)]
    assert outcomes == [Outcome.CREATED, Outcome.UPDATED, Outcome.STALE, Outcome.UNCHANGED]
    assert Run.objects.get().status == "completed"
    assert Response.objects.get().history_length == 2
    without_usage = {name: value for name, value in done.items() if name != "usage"}
    assert post_responses(project, without_usage).outcomes[0] is Outcome.STALE


def test_deletion_takes_responses_along(project: Project) -> None:
    first, second, other = chain([call()], [answer()], [answer()])
    post_responses(project, first, second, other)
    delete_runs(project, [second["id"]], lambda _: None)
    assert [response.external_id for response in Response.objects.all()] == [other["id"]]
    post_responses(project, other | {"metadata": {"changed": "yes"}})
    assert list(turns(project)) == [other["id"]]
    assert Run.objects.get().thread_id == first["id"]
    post_responses(project, first)
    assert sorted(turns(project)) == sorted([first["id"], other["id"]])
    delete_thread(project, first["id"], lambda _: None)
    assert not Response.objects.exists()


# Three threads with every kind of link: a chain of two turns, a fork, and a conversation.
_CALLS = [call() for _ in range(4)]
_CHAIN = chain([_CALLS[0]], [answer(id="msg_z"), answer(id="msg_a"), _CALLS[1]], [answer()], [answer()])
_FORK = [response_object(at=at, previous_response_id=_CHAIN[0]["id"], id=f"resp_fork_{at}") for at in (40, 50)]
_CONVERSATION = [
    response_object(*output, at=at, conversation={"id": "conv_a"}, id=f"resp_conv_{at}", previous_response_id=...)
    for at, output in ((5, [_CALLS[2]]), (6, [_CALLS[3]]), (7, [answer()]), (7, [answer()]))
][:3]
_projects = itertools.count()
_BEGUN = [
    response | {"status": "in_progress", "output": [], "usage": None, "completed_at": None} for response in _CHAIN
]
_ALL = [*_CHAIN, *_FORK, *_CONVERSATION]


@given(st.data())
@settings(max_examples=8, phases=[Phase.generate], deadline=None, suppress_health_check=list(HealthCheck))
def test_any_order_ends_in_same_runs(transactional_db: None, data: st.DataObject) -> None:
    posts = data.draw(st.permutations([*_ALL, *data.draw(st.lists(st.sampled_from([*_ALL, *_BEGUN]), max_size=4))]))
    cuts = sorted(data.draw(st.sets(st.integers(1, len(posts) - 1), max_size=len(posts) - 1)))
    project = factories.make_project(f"order-{next(_projects)}")
    for begin, end in zip([0, *cuts], [*cuts, len(posts)], strict=True):
        assert not post_responses(project, *posts[begin:end]).errors
    expected = factories.make_project(f"expected-{next(_projects)}")
    post_responses(expected, *_ALL)
    assert read_back_runs(project) == read_back_runs(expected)
    assert len(describe_runs(project)) == 5  # two turns of the chain, two forks, one conversation
    assert read_rollups(project) == recount_rollups(project)


def test_long_chain_touches_neighbours_only(project: Project, django_assert_max_num_queries: Any) -> None:
    responses = chain(*[[answer()] for _ in range(60)])
    post_responses(project, *responses[:58])
    counts = []
    for response in responses[58:]:
        with django_assert_max_num_queries(60) as queries:
            post_responses(project, response)
        counts.append(len(queries))
        assert "LIMIT 100" not in str(queries.captured_queries)
    assert counts[0] == counts[1]
    assert set(Run.objects.values_list("thread_id", flat=True)) == {responses[0]["id"]}


APPROVAL = {"type": "mcp_approval_response", "approval_request_id": "mcpr_1", "approve": True}


@pytest.mark.parametrize(
    ("answers", "status", "step_status"),
    [
        ([], "requires_action", "in_progress"),
        (
            [{"type": "mcp_approval_response", "approval_request_id": "mcpr_1", "approve": True}],
            "completed",
            "completed",
        ),
    ],
    ids=["open", "answered"],
)
def test_open_approval_requires_action(
    project: Project, answers: list[dict[str, Any]], status: str, step_status: str
) -> None:
    request = {"type": "mcp_approval_request", "id": "mcpr_1", "name": "refund", "arguments": "{}", "server_label": "s"}
    first = response_object(request, id="resp_0")
    post_responses(project, first)
    if answers:
        second = response_object(at=10, id="resp_1", previous_response_id="resp_0")
        post_responses(project, {"request": {"input": answers}, "response": second})
    described = describe_runs(project)["resp_0"]
    assert described["run"]["status"] == status
    assert described["steps"]["mcpr_1"]["status"] == step_status
