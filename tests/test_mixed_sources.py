"""Sums over runs of all three sources, recounted from the raw objects, equal every number that is shown."""

from __future__ import annotations

import json
import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.test import Client
from django.utils import timezone

from runs.models import Project, Trace
from runs.traces.pending import derive_due_traces
from tests import factories
from tests.dashboard.mcp.client import McpTestClient
from tests.pages import Page
from tests.responses import answer, call, call_output, post_responses, response_object
from tests.responses import usage as response_usage
from tests.runs.rollups.test_runs import read_rollups, recount_rollups
from tests.runs.traces.spans import agent, chat, ingest_otlp, tool

AGENTS = ("billing", "search", "travel")
TOOLS = ("lookup", "refund", "fetch_page")
RUNS_PER_SOURCE = 12
_MAX_AGE = 25 * 86_400


@dataclass
class Expected:
    """What one question to an agent must count as, read from the raw objects alone."""

    source: str
    assistant: str
    thread: str
    status: str
    prompt: int
    completion: int
    tools: list[str] = field(default_factory=list)
    error: str | None = None


def make_assistants_run(rng: random.Random, at: int, number: int) -> tuple[Expected, list[Any]]:
    prompt, completion, has_failed = rng.randrange(9_000), rng.randrange(900), rng.random() < 0.3
    tools = rng.choices(TOOLS, k=rng.randrange(3))
    base = factories.run_object(
        id=f"run_mixed_{number}",
        created_at=at,
        started_at=at + 1,
        completed_at=at + 9,
        assistant_id=rng.choice(AGENTS),
        thread_id=f"thread_mixed_{number % 7}",
        usage={"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion},
    )
    if has_failed:
        error = {"code": "server_error", "message": "The server broke."}
        base |= {"status": "failed", "completed_at": None, "failed_at": at + 9, "last_error": error}
    step = factories.step_object(base, *(factories.function_call(name) for name in tools))
    queued = base | {"status": "queued", "started_at": None, "completed_at": None, "failed_at": None,
                     "last_error": None, "usage": None}  # fmt: skip
    expected = Expected("assistants", base["assistant_id"], base["thread_id"], base["status"], prompt, completion,
                        tools, "server_error" if has_failed else None)  # fmt: skip
    return expected, [("run", queued), ("run", base), ("step", step)]


def make_turn(rng: random.Random, at: int, number: int) -> tuple[Expected, list[Any]]:
    name, tools, has_failed = rng.choice(AGENTS), rng.choices(TOOLS, k=rng.randrange(3)), rng.random() < 0.3
    first_id = f"resp_mixed_{number}_0"
    expected = Expected("responses", name, first_id, "completed", 0, 0, tools)
    posts: list[Any] = []
    previous: str | None = None
    answered: list[dict[str, Any]] = []
    for index, tool_name in enumerate([*tools, None]):
        prompt, completion = rng.randrange(9_000), rng.randrange(900)
        expected.prompt, expected.completion = expected.prompt + prompt, expected.completion + completion
        output = call(tool_name) if tool_name else answer()
        changes: dict[str, Any] = {"metadata": {"agent": name}, "usage": response_usage(prompt, completion)}
        if tool_name is None and has_failed:
            expected.status, expected.error = "failed", "server_error"
            changes |= {"status": "failed", "error": {"code": "server_error", "message": "The server broke."}}
        response = response_object(
            output, id=f"resp_mixed_{number}_{index}", created_at=at + index, completed_at=at + index + 1,
            previous_response_id=previous, **changes,
        )  # fmt: skip
        posts.append(("response", {"request": {"input": answered or "Please help."}, "response": response}))
        posts.append(("response", response | {"status": "in_progress", "output": [], "usage": None, "error": None}))
        previous, answered = response["id"], [call_output(output)] if tool_name else []
    return expected, posts


def make_trace(rng: random.Random, at: int, number: int) -> tuple[Expected, list[Any]]:
    name, tools, has_failed = rng.choice(AGENTS), rng.choices(TOOLS, k=rng.randrange(3)), rng.random() < 0.3
    trace_id, start = f"{number + 1:032x}", at - factories.NOW
    expected = Expected("otel", name, f"chat-{number % 5}", "failed" if has_failed else "completed", 0, 0, tools)
    members: dict[str, Any] = {"traceId": trace_id}
    failure = {"status": {"code": 2, "message": "The server broke."}} if has_failed else {}
    error = {"error.type": "server_error"} if has_failed else {}
    root = agent(name, start=start, members=members | failure, **{"gen_ai.conversation.id": expected.thread}, **error)
    spans = [root]
    for tool_name in [*tools, None]:
        prompt, completion = rng.randrange(9_000), rng.randrange(900)
        expected.prompt, expected.completion = expected.prompt + prompt, expected.completion + completion
        outer = chat(root, (prompt, completion), start=start, members=members)
        # another instrumentation tells the same call: it counts once
        spans += [outer, chat(outer, (prompt, completion), start=start, members=members)]
        if tool_name:
            spans.append(tool(tool_name, root, start=start + 1, members=members))
    expected.error = "server_error" if has_failed else None
    return expected, [("span", span) for span in spans]


def post_mix(project: Project, rng: random.Random, posts: list[Any]) -> None:
    """Post all objects late, split and out of order, and a third of them twice."""
    posts = [*posts, *rng.sample(posts, len(posts) // 3)]
    rng.shuffle(posts)
    while posts:
        count = rng.randrange(1, 60)
        batch, posts = posts[:count], posts[count:]
        by_kind: dict[str, list[Any]] = {}
        for kind, posted in batch:
            by_kind.setdefault(kind, []).append(posted)
        for kind, objects in by_kind.items():
            match kind:
                case "run":
                    factories.post(project, *objects)
                case "step":
                    factories.post_steps(project, *objects)
                case "response":
                    assert not post_responses(project, *objects).errors
                case _:
                    assert not ingest_otlp(project, *objects).rejected
    past = timezone.now() - timedelta(minutes=2)
    Trace.objects.filter(due_at__isnull=False).update(changed_at=past, due_at=past)
    derive_due_traces(project)


def sum_expected(expected: list[Expected]) -> dict[str, int]:
    prompt, completion = sum(item.prompt for item in expected), sum(item.completion for item in expected)
    return {
        "runs": len(expected),
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    }


def group_expected(expected: list[Expected], name: str) -> dict[str, list[Expected]]:
    groups: dict[str, list[Expected]] = {}
    for item in expected:
        groups.setdefault(getattr(item, name), []).append(item)
    return groups


def check_usage(client: Client, project: Project, expected: list[Expected], source: str) -> None:
    """Compare usage over REST, over MCP and on its page with a recount of the runs of a source, or of all."""
    counted = [item for item in expected if source in ("", item.source)]
    query = f"source:{source}" if source else ""
    key = factories.make_key(project, "read")
    rest = (
        Client()
        .get(
            "/api/v1/usage",
            {"range": "30d", "split": "assistant", "q": query},
            headers={"Authorization": f"Bearer {key}"},
        )
        .json()
    )
    mcp = McpTestClient(key).call("get_usage", range="30d", split="assistant", query=query)
    by_assistant = group_expected(counted, "assistant")
    for document in (rest, mcp):
        assert sum_expected(counted).items() <= document["totals"].items()
        groups = {group["key"]: group["totals"] for group in document["groups"]}
        assert groups.keys() == by_assistant.keys()
        assert all(sum_expected(by_assistant[name]).items() <= totals.items() for name, totals in groups.items())
    context = client.get("/p/default/usage/", {"range": "30d", "q": query}).context
    figures = {figure.label: figure for figure in context["summary"]}
    assert figures["Runs"].value == f"{len(counted):,}"
    for label, name in (("Tokens", "total_tokens"), ("Prompt", "prompt_tokens"), ("Completion", "completion_tokens")):
        assert figures[label].title == f"{sum_expected(counted)[name]:,} tokens"


def check_lists(client: Client, expected: list[Expected]) -> None:
    """Compare the lists of runs, assistants, threads, tools and errors with a recount."""

    def fetch(name: str, **params: str) -> list[dict[str, Any]]:
        response: Any = client.get(f"/p/default/{name}.json", params)
        assert response.status_code == 200, response.content
        data: list[dict[str, Any]] = json.loads(response.getvalue())["data"]
        return data

    failed = [item for item in expected if item.status == "failed"]
    page = Page(client.get("/p/default/runs/"))
    assert f"{len(expected)} runs {len(failed)} failed" in page.text

    for name, listed, key in (
        ("assistant", fetch("assistants"), "assistant_id"),
        ("thread", fetch("threads"), "thread_id"),
    ):
        assert {row[key]: (row["runs"], row["failed"], row["tokens"]) for row in listed} == {
            value: (
                len(items),
                sum(item.status == "failed" for item in items),
                sum(item.prompt + item.completion for item in items),
            )
            for value, items in group_expected(expected, name).items()
        }

    calls = Counter(name for item in expected for name in item.tools)
    assert {row["name"]: row["calls"] for row in fetch("tools", range="30d") if row["calls"]} == calls
    since = timezone.now() - timedelta(days=30)
    groups = fetch("errors", **{"from": since.date().isoformat(), "show": "all"})
    assert {row["code"] for row in groups} == {"server_error"}
    assert sum(row["runs"] for row in groups) == len(failed)


def test_every_number_equals_a_recount(member_client: Client, project: Project) -> None:
    rng = random.Random(17)
    newest = int(timezone.now().timestamp()) - 3_600
    makers = (make_assistants_run, make_turn, make_trace)
    made = [make(rng, newest - rng.randrange(_MAX_AGE), number) for number in range(RUNS_PER_SOURCE) for make in makers]
    post_mix(project, rng, [post for _, posts in made for post in posts])
    expected = [described for described, _ in made]
    for source in ("", "assistants", "responses", "otel"):
        check_usage(member_client, project, expected, source)
    check_lists(member_client, expected)
    assert read_rollups(project) == recount_rollups(project)
