"""The page of one run: every fact of its JSON, shown as text whatever it is."""

from __future__ import annotations

import json
import re
import time
from datetime import UTC, datetime
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.html import escape

from dashboard.ui import formats
from runs.models import Run
from tests import factories

ABSENT = ...
SCRIPT = "<script>alert('x')</script><img src=x onerror=alert(1)>\"'"
SECTIONS = (
    "timeline",
    "tools",
    "errors",
    "usage",
    "instructions",
    "configuration",
    "metadata",
    "raw",
    "history",
)


def address(run_id: str, project: str = "default") -> str:
    return reverse("run", kwargs={"project": project, "run_id": run_id})


def opened(client: Client, posted: dict[str, Any], **headers: str) -> str:
    response = client.get(address(posted["id"]), headers=headers)
    assert response.status_code == 200
    return response.content.decode()


def section(html: str, name: str) -> str:
    """A section's text, without tags and with single spaces."""
    return words(section_html(html, name))


def section_html(html: str, name: str) -> str:
    found = re.search(rf'<section[^>]* id="{name}">.*?</section>', html, re.DOTALL)
    assert found, name
    return found[0]


def verdict(html: str) -> str:
    return words(html[html.index('id="run-head"') : html.index('<div class="page">')])


def words(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).replace(" ,", ",").split())


def test_every_section_is_there_and_can_be_linked_to(project, member_client):
    run = factories.run_object()
    factories.post(project, run)
    html = opened(member_client, run)
    assert f"<title>Completed {run['id']} · Runglass</title>" in " ".join(html.split())
    for name in SECTIONS:
        assert f'id="{name}"' in html
        assert f'href="#{name}"' in html


def test_a_failed_run_says_why_before_anything_else(project, member_client):
    run = factories.failed_run("rate_limit_exceeded", "Rate limit reached: 450000 a minute.")
    factories.post(project, run)
    html = opened(member_client, run)
    assert "Failed" in verdict(html)
    assert "rate_limit_exceeded Rate limit reached: 450000 a minute." in verdict(html)
    assert "last_error.code rate_limit_exceeded" in section(html, "errors")


def test_a_waiting_run_says_for_what_and_until_when(project, member_client):
    now = int(time.time())
    moments = {"created_at": now - 61, "started_at": now - 60, "expires_at": now + 540}
    run = factories.waiting_run("issue_refund", "create_label", **moments)
    factories.post(project, run)
    html = opened(member_client, run)
    assert "Waiting for the outputs of 2 tool calls : issue_refund, create_label, for at most 1 min" in verdict(html)
    assert "Expires in 8 min" in verdict(html) or "Expires in 9 min" in verdict(html)
    assert "call_issue_refund" in section(html, "overview")
    assert '"order": "A-1"' in section(html, "overview")
    assert "it waits for issue_refund, create_label" in section(html, "timeline")


def test_the_wait_is_exact_where_its_step_is_known(project, member_client):
    now = int(time.time())
    run = factories.waiting_run(created_at=now - 300, started_at=now - 299, expires_at=now + 300)
    call = factories.function_call("issue_refund", output=None)
    step = factories.step_object(run, call, status="in_progress", created_at=now - 125, completed_at=None)
    factories.post(project, run)
    factories.post_steps(project, step)
    html = opened(member_client, run)
    assert "for 2 min 0" in verdict(html)
    assert "Not submitted yet." in section(html, "timeline")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"status": "incomplete", "max_prompt_tokens": 4000,
          "incomplete_details": {"reason": "max_prompt_tokens"}},
         "max_prompt_tokens The run stopped at its limit of 4,000 tokens."),
        ({"status": "incomplete", "incomplete_details": {"reason": "content_filter"}}, "content_filter"),
        ({"status": "incomplete", "incomplete_details": None}, "Ended early; no reason was sent."),
        ({"status": "failed", "failed_at": factories.NOW}, "No reason was sent with the failure."),
        ({"status": "failed", "last_error": {"code": None, "message": "Boom"}}, "No error code. Boom"),
        ({"status": "expired", "expires_at": factories.NOW + 600}, "it expired at 18 Nov 2026, 11:16:40 UTC"),
        ({"status": "cancelled", "cancelled_at": factories.NOW}, "Cancelled at 18 Nov 2026, 11:06:40 UTC"),
        ({"status": "cancelling"}, "Cancellation was asked for and is not confirmed yet."),
        ({"status": "queued"}, "Waiting for its turn."),
        ({"status": "in_progress", "expires_at": 1}, "Its expiry passed at 1 Jan 1970"),
        ({"status": "on_hold"}, "on_hold"),
        ({"status": "on_hold"}, "The protocol does not know this status."),
        ({"status": "completed", "completed_at": None}, "Completed; when was not sent"),
        ({"status": "requires_action", "required_action": None}, "Waiting for an action that was not sent"),
        ({"status": "requires_action", "required_action": {"type": "other"}}, "Waiting for other"),
    ],
)  # fmt: skip
def test_every_end_has_its_sentence(project, member_client, changes, sentence):
    run = factories.run_object(**changes)
    assert not factories.post(project, run).errors
    assert sentence in verdict(opened(member_client, run))


def test_the_facts_are_those_of_the_run(project, member_client):
    run = factories.run_object(created_at=factories.NOW, started_at=factories.NOW + 1, completed_at=factories.NOW + 8)
    factories.post(project, run)
    html = opened(member_client, run)
    for fact in (
        "Model gpt-4o-mini",
        "Duration 8 s",
        "Tokens 150 120 in, 30 out",
        "Queued 1 s",
        "In progress 7 s",
    ):
        assert fact in verdict(html)
    assert 'datetime="2026-11-18T11:06:40Z"' in html
    assert "/p/default/assistants/asst_concierge/" in html
    assert "/p/default/threads/thread_first/" in html


def test_times_in_milliseconds_are_told_by_their_size(project, member_client):
    run = factories.run_object(
        created_at=1761861545123, started_at=1761861546123, completed_at=1761861549023, expires_at=None
    )
    factories.post(project, run)
    html = opened(member_client, run)
    assert "Duration 3.9 s" in verdict(html)
    assert "from 21:59:05.123" in verdict(html)


def test_null_absent_zero_and_empty_differ(project, member_client):
    run = factories.run_object(
        temperature=0, top_p=ABSENT, max_prompt_tokens=None, reasoning_effort="low", tools=None,
        instructions=ABSENT, metadata=[], usage=None, model=None,
        tool_choice={"type": "function", "function": {"name": "find"}},
        truncation_strategy={"type": "last_messages", "last_messages": 0}, response_format={},
        parallel_tool_calls=False, tool_resources={},
    )  # fmt: skip
    factories.post(project, run)
    html = opened(member_client, run)
    configuration = section(html, "configuration")
    for setting in (
        "temperature 0 ", "top_p not sent", "max_prompt_tokens null", "reasoning_effort low",
        "tool_resources {}", "tool_choice function, find", "truncation_strategy last_messages, 0",
        "response_format {}",
        "parallel_tool_calls false",
    ):  # fmt: skip
        assert setting in configuration
    assert "tools : null" in section(html, "tools")
    assert section(html, "instructions") == "Instructions not sent"
    assert section(html, "metadata") == "Metadata Sent empty."
    assert "usage : null" in section(html, "usage")
    assert "Model null" in verdict(html)


def test_a_schema_for_the_answer_can_be_read(project, member_client):
    schema = {"type": "object", "properties": {"reply": {"type": "string"}}}
    answer = {"type": "json_schema", "json_schema": {"name": "reply_v2", "strict": True, "schema": schema}}
    run = factories.run_object(response_format=answer)
    factories.post(project, run)
    shown = section(opened(member_client, run), "configuration")
    assert "response_format json_schema, reply_v2, strict Schema, 1 property" in shown


@pytest.fixture
def story(project):
    """A failed run with a step of each kind."""
    run = factories.failed_run(tools=[
        factories.function_tool("search_orders"),
        factories.function_tool("never_used"),
        {"type": "code_interpreter"},
        {"type": "retrieval"},
        {"type": "bing_grounding", "bing_grounding": {"connection": "b1"}},
    ])  # fmt: skip
    question = factories.message_object(text="Where is my money?", created_at=run["created_at"] - 1)
    answer = factories.message_object(run, "One moment.")
    at = run["created_at"]
    creation = {"type": "message_creation", "message_creation": {"message_id": answer["id"]}}
    code = {
        "id": "call_code",
        "type": "code_interpreter",
        "code_interpreter": {
            "input": "print(1)",
            "outputs": [{"type": "logs", "logs": "one\n"}, {"type": "image", "image": {"file_id": "file-7"}}],
        },
    }
    search = {
        "id": "call_search",
        "type": "file_search",
        "file_search": {
            "results": [
                {
                    "file_id": "file-1",
                    "file_name": "policy.md",
                    "score": 0.6800102176172463,
                    "content": [{"type": "text", "text": "Thirty days."}],
                }
            ]
        },
    }
    mcp = {
        "id": "call_mcp",
        "type": "mcp",
        "server_label": "github",
        "name": "list_issues",
        "arguments": '{"q":1}',
        "output": "none",
    }
    found = factories.function_call("search_orders", '{"query":"48209"}', '[{"id":"A"}]')
    undeclared = factories.function_call("undeclared", "not json", None)
    activities = {"type": "activities", "activities": []}
    broken = {"code": "server_error", "message": "Tool broke."}
    steps = [
        factories.step_object(run, step_details=creation, created_at=at + 1),
        factories.step_object(run, found, undeclared, created_at=at + 2),
        factories.step_object(run, code, created_at=at + 3),
        factories.step_object(run, search, created_at=at + 4),
        factories.step_object(run, mcp, created_at=at + 5),
        factories.step_object(run, type="activities", step_details=activities, created_at=at + 6,
                              status="failed", failed_at=at + 7, completed_at=None, last_error=broken),
    ]  # fmt: skip
    factories.post(project, run)
    factories.post_messages(project, question, answer)
    factories.post_steps(project, *steps)
    return run


def test_the_timeline_shows_every_kind_of_step(story, member_client):
    shown = section(opened(member_client, story), "timeline")
    for fact in (
        "6 steps, 5 tool calls", "Message One moment.", "tool_calls, 2 in parallel", '"query": "48209"',
        '"id": "A"', "not json", "output: null", "print(1)", "Logs one", "File file-7", "policy.md file-1",
        "0.6800102176172463", "Thirty days.", "list_issues", '"server_label": "github"', '"activities": []',
        "server_error Tool broke.", "1 s after the run was created",
    ):  # fmt: skip
        assert fact in shown, fact


def test_configured_tools_stand_against_called_ones(story, member_client):
    shown = section(opened(member_client, story), "tools")
    assert "5 configured, 2 called, 3 never called" in shown
    assert "Called, but not among the run's tools: undeclared, file_search, list_issues" in shown
    assert "never_used function never" in shown
    assert '"connection": "b1"' in shown
    assert "Schema, 1 parameter" in shown


def test_each_tool_tells_its_failures_its_time_and_what_came_of_it(project, member_client):
    tools = [factories.function_tool("find"), factories.function_tool("pay")]
    run = factories.run_object(tools=tools, created_at=factories.NOW)
    at = factories.NOW
    find = factories.function_call("find", output='{"error": "gone"}')
    steps = [
        factories.step_object(run, find, created_at=at, completed_at=at + 4),
        factories.step_object(run, factories.function_call("find"), created_at=at, completed_at=at + 8),
        factories.step_object(
            run, factories.function_call("pay", output=None), factories.function_call("find"), status="failed",
            last_error={"code": "server_error", "message": "x"}, created_at=at, completed_at=None, failed_at=at + 60,
        ),
    ]  # fmt: skip
    factories.post(project, run)
    factories.post_steps(project, *steps)
    told = section(opened(member_client, run), "tools")
    assert "Tool Type Called Failed Mean Output" in told
    assert "find function 3 1 1 likely 6 s 21 chars" in told
    assert "pay function 1 1 Does pay." in told


def test_every_step_has_its_cost_where_there_is_a_price(project, member_client):
    run = factories.run_object(model="gpt-4o")
    factories.post(project, run)
    usage = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}
    factories.post_steps(project, factories.step_object(run, usage=usage))
    assert "1 message_creation 1,000 100 $0.0035" in section(opened(member_client, run), "usage")
    unpriced = factories.run_object(model="our-own")
    factories.post(project, unpriced)
    factories.post_steps(project, factories.step_object(unpriced))
    assert "Cost, est." not in section(opened(member_client, unpriced), "usage")


def test_the_assistant_is_called_by_its_name(project, member_client):
    run = factories.run_object()
    factories.post(project, run)
    factories.post_assistants(project, asst_concierge="Front <desk>")
    html = opened(member_client, run)
    assert "Assistant Front <desk>" in verdict(html)
    assert 'title="asst_concierge"' in html


def test_answers_are_markdown_and_questions_are_not(project, member_client):
    run = factories.run_object()
    factories.post(project, run)
    question = factories.message_object(text="*Where* is it?", created_at=run["created_at"] - 1)
    factories.post_messages(project, question, factories.message_object(run, "It is **here**. <b>No.</b>"))
    overview = section_html(opened(member_client, run), "overview")
    assert "*Where* is it?" in overview
    assert "<strong>here</strong>. &lt;b&gt;No.&lt;/b&gt;" in overview


def test_calls_are_held_against_the_schemas_of_the_run(project, member_client):
    run = factories.run_object(tools=[factories.function_tool("find", order={"type": "string"})])
    wrong = factories.function_call("find", '{"order": 3, "<script>": 1}')
    steps = [
        factories.step_object(run, factories.function_call("find")),
        factories.step_object(run, wrong, factories.function_call("find", "{")),
        factories.step_object(run, factories.function_call("gone", "[]")),
    ]
    factories.post(project, run)
    factories.post_steps(project, *steps)
    html = opened(member_client, run)
    tools = section(html, "tools")
    assert "3 calls of functions do not keep to what the run's tools declare." in tools
    assert "Step 2 find invalid arguments /order expected string, got integer" in tools
    assert "Step 2 find unparseable arguments Expecting property name" in tools
    assert "Step 3 gone undeclared not among the run's tools" in tools
    timeline = section(html, "timeline")
    assert "find invalid arguments" in timeline
    assert "Invalid arguments: /order expected string, got integer" in timeline
    assert "Tools 1 of 1, 3 wrong" in words(html)


def test_without_tools_no_call_is_judged(project, member_client):
    run = factories.run_object(tools=ABSENT)
    factories.post(project, run)
    factories.post_steps(project, factories.step_object(run, factories.function_call("find", "{")))
    html = opened(member_client, run)
    assert "undeclared" not in html
    assert 'id="contract"' not in html


def test_failed_steps_are_errors_and_lead_to_their_line(story, member_client):
    html = opened(member_client, story)
    assert "Failed in step 6 of 6 : activities" in section(html, "overview")
    assert "Step 6, activities : server_error Tool broke." in section(html, "errors")
    anchors = set(re.findall(r'href="#([^"]+)"', html)) - {"main"}
    assert not [anchor for anchor in anchors if f'id="{anchor}"' not in html and not anchor.startswith(("s-", "i-"))]


@pytest.fixture
def refused_by_its_tool(project):
    """A failed run whose last tool said why, and an earlier one something else."""
    run = factories.failed_run("server_error", "The run failed.")
    calls = [
        factories.function_call("find_order", output='{"error": "no <such> order"}'),
        factories.function_call("find_order", output='{"order": "A-1", "note": "no error"}'),
        factories.function_call("issue_refund", output="HTTP 503 Service Unavailable"),
    ]
    at = run["created_at"]
    steps = [factories.step_object(run, call, created_at=at + place) for place, call in enumerate(calls, 1)]
    factories.post(project, run)
    factories.post_steps(project, *steps, factories.step_object(run, created_at=at + 5))
    return run


def test_outputs_that_look_like_errors_are_told_as_a_guess(refused_by_its_tool, member_client):
    html = opened(member_client, refused_by_its_tool)
    told = section(html, "errors")
    assert "Step 1, find_order looks like an error: no <such> order" in told
    assert "Step 3, issue_refund looks like an error: HTTP 503 Service Unavailable" in told
    assert "Step 2" not in told
    assert "Errors 1, 2 likely" in words(html)
    assert section(html, "timeline").count("error?") == 2
    assert "The last tool output before that, of issue_refund in step 3, looks like an error: HTTP 503" in verdict(html)


def test_an_output_explains_no_success(project, member_client):
    run = factories.run_object()
    factories.post(project, run)
    factories.post_steps(project, factories.step_object(run, factories.function_call("find", output="Error: none")))
    html = opened(member_client, run)
    assert "looks like an error: Error: none" in section(html, "errors")
    assert "looks like an error" not in verdict(html)


def test_an_earlier_complaint_explains_nothing(project, member_client):
    run = factories.failed_run()
    at = run["created_at"]
    calls = [factories.function_call("a", output="Error: x"), factories.function_call("b", output="fine")]
    factories.post(project, run)
    factories.post_steps(
        project, *(factories.step_object(run, call, created_at=at + n) for n, call in enumerate(calls))
    )
    assert "looks like an error" not in verdict(opened(member_client, run))


def test_question_and_answer_come_from_the_messages_around_the_run(story, member_client):
    overview = section(opened(member_client, story), "overview")
    assert "Asked Where is my money?" in overview
    assert "Answered One moment." in overview


def test_without_messages_steps_and_errors_nothing_is_pretended(project, member_client):
    run = factories.run_object()
    factories.post(project, run)
    html = opened(member_client, run)
    assert 'id="overview"' not in html
    assert "No steps of this run were received." in section(html, "timeline")
    assert "it read 120 tokens and wrote 30" in section(html, "timeline")
    assert "Which of them were called is not known" in section(html, "tools")


def test_usage_has_bars_only_against_limits(project, member_client):
    usage = {
        "prompt_tokens": 14212, "completion_tokens": 1102, "total_tokens": 15000,
        "prompt_token_details": {"cached_tokens": 6144}, "completion_tokens_details": {"reasoning_tokens": 0},
    }  # fmt: skip
    run = factories.run_object(usage=usage, max_prompt_tokens=20000)
    factories.post(project, run)
    html = opened(member_client, run)
    shown = section(html, "usage")
    assert "Prompt tokens 14,212 of 20,000 (max_prompt_tokens) 6,144 of them cached. 28.9 % left." in shown
    assert "Completion tokens 1,102 0 of them reasoning. No limit was set." in shown
    assert "The total that was sent, 15,000, is not the sum of both." in shown
    assert html.count('class="prop tall"') == 1


def test_the_cost_is_estimated_with_its_formula_and_the_source_of_its_prices(project, member_client):
    usage = {
        "prompt_tokens": 14212, "completion_tokens": 1102, "total_tokens": 15314,
        "prompt_tokens_details": {"cached_tokens": 6144},
    }  # fmt: skip
    run = factories.run_object(model="gpt-4o-2024-08-06", usage=usage)
    factories.post(project, run)
    html = opened(member_client, run)
    assert "Cost $0.0389 est." in verdict(html)
    shown = section(html, "usage")
    formula = "8,068 x $2.50/M + 6,144 cached x $1.25/M + 1,102 x $10.00/M = $0.0389 est."
    assert formula.replace(" x ", " \N{MULTIPLICATION SIGN} ") in shown
    assert re.search(r"Prices of gpt-4o from genai-prices [\d.]+, read on \d+ \w+ \d{4}\.", shown)


@pytest.mark.parametrize(
    ("changes", "fact", "sentence"),
    [
        ({"model": "returns-desk"}, "Cost no price", "No price is known for returns-desk"),
        (
            {"usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}},
            "Cost < $0.0001 est.",
            "= < $0.0001",
        ),
    ],
)
def test_no_cost_is_made_up(project, member_client, changes, fact, sentence):
    run = factories.run_object(**changes)
    factories.post(project, run)
    html = opened(member_client, run)
    assert fact in verdict(html)
    assert sentence in section(html, "usage")


def test_a_run_without_usage_has_no_cost(project, member_client):
    run = factories.failed_run()
    factories.post(project, run)
    assert "Cost" not in verdict(opened(member_client, run))


def test_instructions_are_rendered_and_plain(project, member_client):
    run = factories.run_object(instructions="# Returns\n\n- be **brief**")
    factories.post(project, run)
    html = opened(member_client, run)
    assert "<h3>Returns</h3>" in html
    assert "<strong>brief</strong>" in html
    assert "# Returns\n\n- be **brief**</pre>" in html


def test_what_changed_since_the_previous_configuration_is_one_click_away(project, member_client):
    tools = [factories.function_tool("search_orders")]
    before = factories.run_object(instructions="Be brief.\nBe exact.", temperature=1, tools=tools)
    after = factories.run_object(instructions="Be brief.\nBe kind.", temperature=0.5, tools=tools)
    factories.post(project, before)
    factories.post(project, after)
    html = opened(member_client, after)
    told = section(html, "instructions")
    assert "The configuration changed " in told
    assert "UTC : instructions, temperature" in told
    assert "<del>" not in html
    assert 'id="change"' not in opened(member_client, before)
    swap = {"HX-Request": "true", "HX-Target": "change"}
    shown = member_client.get(address(after["id"]) + "?full=change", headers=swap).content.decode()
    assert "<html" not in shown
    assert "<del>Be <b>exact</b>.</del><ins>Be <b>kind</b>.</ins>" in shown
    assert "temperature 1 0.5" in words(shown)
    assert "search_orders" not in shown


def test_a_number_spelled_otherwise_is_no_change(project, member_client):
    for temperature in (1, 1.0):
        run = factories.run_object(temperature=temperature)
        factories.post(project, run)
    assert 'id="change"' not in opened(member_client, run)


def test_any_two_versions_of_a_run_can_be_compared(project, member_client):
    begun = factories.run_object(status="in_progress", completed_at=None, usage=None, metadata={"n": "1"})
    ended = begun | {
        "status": "completed", "completed_at": begun["created_at"] + 5, "metadata": {"n": "2"}, "vendor": [1.0, None],
    }  # fmt: skip
    late = begun | {"metadata": {"n": "<script>"}}
    for posted in (begun, ended, late):
        factories.post(project, posted)
    html = opened(member_client, begun)
    assert 'href="?from=0&amp;to=1#history"' in html
    assert 'href="?from=1&amp;to=2#history"' in html  # what came too late, against what stood
    shown = section(member_client.get(address(begun["id"]) + "?from=0&to=1").content.decode(), "history")
    assert "From version 0 to 1 status" in shown
    assert "status in_progress completed" in shown
    assert 'metadata { "n": " 1 " "n": " 2 " }' in shown
    assert "vendor not sent → a value [ 1.0, null ]" in shown
    swap = {"HX-Request": "true", "HX-Target": "history"}
    stale = member_client.get(address(begun["id"]) + "?from=0&to=2", headers=swap).content.decode()
    assert "<html" not in stale
    assert "&lt;script&gt;" in stale
    same = member_client.get(address(begun["id"]) + "?from=1&to=1").content.decode()
    assert "nothing differs" in section(same, "history")


def test_versions_that_are_not_there_are_not_found(project, member_client):
    run = factories.run_object()
    factories.post(project, run)
    assert member_client.get(f"{address(run['id'])}?from=0&to=9").status_code == 404


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("from=0", "from: comes together with to"),
        ("to=1", "from: comes together with to"),
        ("from=x&to=1", "from: expected a number"),
        ("from=-1&to=0", "from: expected a number"),
        ("from=&to=", "to: expected a number"),
        ("from=0&from=1&to=0", "from: given more than once"),
        ("full=nothing", "full: 'nothing' can't be shown; known are timeline"),
        ("full=tools&full=x", "full: 'x' can't be shown"),
        ("fall=tools", "fall: unknown parameter; known are full"),
        ("list=statsu%3Dfailed", "list: statsu: unknown parameter; did you mean 'status'?"),
        ("list=q%3Dfoo%3Abar", "list: q: "),
        ("list=cursor%3Dx", "list: cursor: unknown parameter"),
        ("list=sort%3Dlength", "list: sort: can't sort by 'length'"),
    ],
)
def test_what_can_not_be_asked_is_refused_by_name(project, member_client, query, problem):
    run = factories.run_object()
    factories.post(project, run)
    response = member_client.get(f"{address(run['id'])}?{query}")
    assert response.status_code == 400
    assert problem.replace(": ", " ", 1) in words(response.content.decode())


def test_long_texts_are_cut_openly(project, member_client):
    run = factories.failed_run("x", "m" * 9000 + "THE END", instructions="i" * 200_000, metadata={"k": "v" * 9000})
    factories.post(project, run)
    html = opened(member_client, run)
    assert html.count("Show all 9,007 characters") == 2
    assert "THE END" in verdict(html)
    assert "Show all 200,000 characters" in section(html, "instructions")
    assert "Show all 9,000 characters" in section(html, "metadata")


def test_raw_json_keeps_numbers_marks_unknown_fields_and_escapes_what_no_page_can_carry(project, member_client):
    run = factories.run_object(temperature=1.0, vendor={"big": 10**30}, instructions="a\ud800b\u0000")
    factories.post(project, run)
    html = opened(member_client, run)
    raw = section(html, "raw")
    assert "temperature : 1.0" in raw
    assert f"big : {10**30}" in raw
    assert "vendor unknown field : {" in raw
    assert "1 field that Runglass does not know" in raw
    assert r'"a\ud800b\u0000"' in raw
    assert "a\ufffdb\ufffd" in section(html, "instructions")


def test_a_large_object_is_shown_as_a_tree_on_demand(project, member_client):
    run = factories.run_object(instructions="a" * 30_000)
    factories.post(project, run)
    assert "Show the tree" in section(opened(member_client, run), "raw")
    for answer in (
        member_client.get(address(run["id"]) + "?full=raw"),
        member_client.get(address(run["id"]) + "?full=raw", headers={"HX-Request": "true", "HX-Target": "raw"}),
    ):
        assert "thread.run" in section(answer.content.decode(), "raw")


def test_the_tree_is_searched_without_scripts_however_large(project, member_client):
    metadata = {"Region": "north-<b>east</b>", "other": "x"}
    tools = [factories.function_tool(f"tool_{number}") for number in range(60)]
    run = factories.run_object(instructions="a" * 30_000 + " the Needle", metadata=metadata, tools=tools)
    factories.post(project, run)
    for headers in ({}, {"HX-Request": "true", "HX-Target": "raw-tree"}):
        html = member_client.get(address(run["id"]) + "?find=needle", headers=headers).content.decode()
        tree = html[html.index('id="raw-tree"') :]
        assert "Found in 1 line." in tree
        assert "<mark>Needle</mark>" in tree
        assert tree.count("<details open>") == 2
    html = member_client.get(address(run["id"]), {"find": "<B>east"}).content.decode()
    assert "north-<mark>&lt;b&gt;east</mark>&lt;/b&gt;" in html
    assert "<mark>Region</mark>" in member_client.get(address(run["id"]), {"find": "region"}).content.decode()
    nothing = member_client.get(address(run["id"]), {"find": "<i>"}).content.decode()
    assert "Nothing here contains “&lt;i&gt;”." in nothing
    assert member_client.get(address(run["id"]), {"find": "x" * 201}).status_code == 400


def test_every_key_of_the_tree_leads_to_its_value(project, member_client):
    usage = {"prompt_tokens": 1, "cost": 1.50, "odd": [None, {}]}
    run = factories.run_object(metadata={"a/b ~ü?&#": "ä"}, usage=usage, tools=[])
    factories.post(project, run)
    raw = section_html(opened(member_client, run), "raw")
    found = re.findall(r'<a class="k" href="(.*?)">(.*?)</a>', raw)
    links = {unescape(name): unescape(url) for url, name in found}
    expected_of = {"a/b ~ü?&#": "ä", "cost": 1.5, "0": None, "1": {}, "id": run["id"], "/usage/odd": [None, {}]}
    assert set(expected_of) <= set(links)
    for name, expected in expected_of.items():
        assert member_client.get(links[name]).json() == expected


def test_what_stands_at_no_place_is_not_found(project, member_client):
    run = factories.run_object()
    factories.post(project, run)
    url = reverse("run-json", kwargs={"project": "default", "run_id": run["id"]})
    assert member_client.get(url, {"at": "/metadata/customer"}).content == b'"acme"'
    assert member_client.get(url, {"at": "/nothing"}).status_code == 404
    for query in ("download=yes", "ta=/x", "at=/id&at=/status"):
        assert member_client.get(f"{url}?{query}").status_code == 400


def nested(depth: int) -> list[Any]:
    deep: list[Any] = []
    for _ in range(depth):
        deep = [deep]
    return deep


def test_deep_nesting_does_not_break_the_tree(project, member_client):
    run = factories.run_object(vendor=nested(190), response_format={"type": "x", "x": nested(190)})
    step = factories.step_object(run, factories.function_call("a", json.dumps(nested(190)), "[" * 5000))
    odd = factories.step_object(run, type="odd", step_details={"type": "odd", "deep": nested(190)})
    assert not factories.post(project, run).errors
    assert not factories.post_steps(project, step, odd).errors
    html = opened(member_client, run)
    for name in ("raw", "timeline", "configuration"):
        assert "[" * 100 in section(html, name).replace(" ", "")


def test_history_lists_every_post_with_its_key(project, member_client):
    key = factories.make_key(project)
    run = factories.run_object(status="queued", started_at=None, completed_at=None, usage=None)
    done = run | {"status": "completed", "completed_at": run["created_at"] + 9}
    late = run | {"status": "in_progress", "started_at": run["created_at"]}
    for posted in (run, done, late):
        Client().post(
            "/api/v1/runs",
            posted,
            content_type="application/json",
            headers={"Authorization": f"Bearer {key}"},
        )
    shown = section(opened(member_client, run), "history")
    assert "created Queued test" in shown
    assert "updated Queued → Completed completed_at, status test" in shown or "status, completed_at test" in shown
    assert "stale kept, without effect In progress" in shown


def test_contradicting_ends_are_marked(project, member_client):
    done = factories.run_object()
    factories.post(project, done)
    factories.post(project, done | {"status": "failed", "failed_at": done["completed_at"] + 5})
    assert "contradicts another end" in section(opened(member_client, done), "history")


def test_hostile_strings_are_text_in_every_field(project, member_client):
    run = factories.failed_run(
        SCRIPT, SCRIPT, id=f"run_{SCRIPT}", thread_id=SCRIPT, assistant_id=SCRIPT, model=SCRIPT,
        instructions=SCRIPT, metadata={SCRIPT: SCRIPT},
        tools=[factories.function_tool(SCRIPT), {"type": SCRIPT, SCRIPT: SCRIPT}],
        incomplete_details={"reason": SCRIPT}, tool_choice=SCRIPT, response_format={"type": SCRIPT},
        **{SCRIPT: SCRIPT},
    )  # fmt: skip
    call = factories.function_call(SCRIPT, SCRIPT, SCRIPT)
    steps = [
        factories.step_object(run, call | {"id": SCRIPT}, id=f"step_{SCRIPT}"),
        factories.step_object(run, type=SCRIPT, status=SCRIPT, last_error={"code": SCRIPT, "message": SCRIPT}),
        factories.step_object(run, {"id": SCRIPT, "type": SCRIPT, SCRIPT: SCRIPT}),
    ]
    assert not factories.post(project, run).errors
    assert not factories.post_steps(project, *steps).errors
    factories.post_messages(project, factories.message_object(run, SCRIPT, thread_id=SCRIPT))
    html = opened(member_client, run)
    assert escape(SCRIPT) in html
    assert "<script>alert" not in html
    assert "<img" not in html
    assert " onerror=alert(1)>" not in re.sub(r'"[^"]*"', "", html)


def test_an_unknown_status_or_action_is_shown_as_it_came(project, member_client):
    run = factories.waiting_run(status="paused_by_vendor", required_action={"type": "ask_a_human", "who": "Ann"})
    factories.post(project, run)
    html = opened(member_client, run)
    assert "paused_by_vendor" in verdict(html)
    assert "hx-trigger" not in html[html.index('id="run-head"') : html.index("<ol")]


@pytest.fixture
def active(project):
    now = int(time.time())
    run = factories.run_object(status="in_progress", created_at=now - 5, started_at=now - 4, completed_at=None)
    factories.post(project, run)
    return run


def head(html: str) -> str:
    return html[html.index('<div class="verdict"') : html.index("<ol")]


def test_the_header_of_an_active_run_asks_again_until_the_run_has_ended(project, active, member_client):
    page = opened(member_client, active)
    assert 'hx-trigger="every 2s"' in head(page)
    swap = {"HX-Request": "true", "HX-Target": "run-head"}
    (poll,) = re.findall(r'hx-get="([^"]+)"', head(page))
    still = member_client.get(poll, headers=swap).content.decode()
    assert 'hx-trigger="every 2s"' in head(still)
    assert "went on since" not in still
    factories.post(project, active | {"status": "completed", "completed_at": active["created_at"] + 5})
    ended = member_client.get(poll, headers=swap).content.decode()
    assert "hx-trigger" not in head(ended)
    assert "went on since this page was opened" in ended


def test_a_forgotten_run_is_not_asked_for(project, member_client):
    run = factories.run_object(status="in_progress", completed_at=None, expires_at=factories.NOW + 10)
    run["created_at"] = run["started_at"] = 1_700_000_000
    run["expires_at"] = 1_700_000_600
    factories.post(project, run)
    assert "hx-trigger" not in head(opened(member_client, run))


@pytest.mark.parametrize("target", ["run-head", "timeline", "raw"])
def test_fragments_come_alone_only_when_they_are_swapped_in(active, member_client, target):
    swapped = opened(member_client, active, HX_Request="true", HX_Target=target)
    assert "<html" not in swapped
    assert f'id="{target}"' in swapped
    for headers in (
        {},
        {"HX-Request": "true", "HX-Target": target, "HX-History-Restore-Request": "true"},
        {"HX-Request": "true", "HX-Target": target, "HX-Boosted": "true"},
    ):
        response = member_client.get(address(active["id"]), headers=headers)
        assert "<html" in response.content.decode()
        assert "HX-Target" in response["Vary"]


def test_previous_and_next_stay_in_the_thread(project, member_client):
    posted = [factories.run_object(thread_id=thread, created_at=factories.NOW) for thread in "abaa"]
    factories.post(project, *posted)
    ordered = list(Run.objects.filter(thread_id="a").order_by("created_at", "id"))
    html = member_client.get(address(ordered[1].external_id)).content.decode()
    assert f'href="{address(ordered[0].external_id)}" rel="prev"' in html
    assert f'href="{address(ordered[2].external_id)}" rel="next"' in html
    assert 'rel="prev"' not in member_client.get(address(ordered[0].external_id)).content.decode()
    assert 'rel="next"' not in member_client.get(address(ordered[2].external_id)).content.decode()


def test_its_place_in_the_thread_is_told_where_it_has_one(project, member_client, monkeypatch):
    runs = [factories.run_object(thread_id="thread_1", created_at=factories.NOW + n // 2) for n in range(5)]
    factories.post(project, *runs, factories.run_object(thread_id="thread_2"))
    ordered = [run.external_id for run in Run.objects.filter(thread_id="thread_1").order_by("created_at", "id")]
    for number, run_id in enumerate(ordered, 1):
        assert f"<small>{number} of 5 in thread</small>" in member_client.get(address(run_id)).content.decode()
    alone = Run.objects.get(thread_id="thread_2")
    assert "<small>in thread</small>" in member_client.get(address(alone.external_id)).content.decode()
    monkeypatch.setattr("dashboard.pages.run.header.MAX_COUNTED_THREAD_RUNS", 4)
    assert "<small>in thread</small>" in member_client.get(address(ordered[0])).content.decode()


def with_steps(project, count: int) -> dict[str, Any]:
    run = factories.run_object()
    factories.post(project, run)
    factories.post_steps(project, *(factories.step_object(run, factories.function_call("a")) for _ in range(count)))
    return run


def test_queries_do_not_grow_with_steps_and_posts(project, member_client):
    counts: list[int] = []
    for run in (with_steps(project, 2), with_steps(project, 40)):
        for changed in range(len(counts) * 5):
            factories.post(project, run | {"metadata": {"n": str(changed)}})
        with CaptureQueriesContext(connection) as queries:
            opened(member_client, run)
        counts.append(len(queries))
    # session, user, project, run, messages, steps, configuration, the one before it, previous, next, question,
    # history, keys, comments, tags, assistant's name, projects and memberships of the shell
    assert counts[0] == counts[1] <= 18


def test_a_failure_costs_one_query_more_and_a_comparison_another(project, member_client):
    run = factories.failed_run()
    factories.post(project, run)
    factories.post(project, run | {"metadata": {"n": "1"}})
    counts = []
    for query in ("", "?from=0&to=1"):
        with CaptureQueriesContext(connection) as queries:
            member_client.get(address(run["id"]) + query)
        counts.append(len(queries))
    # as above, the error group, its first run and its runs of the last day; then the history with what it replaced
    assert counts[0] <= 20
    assert counts[1] == counts[0] + 1


def test_more_steps_than_fit_are_one_link_away(project, member_client):
    run = with_steps(project, 203)
    html = opened(member_client, run)
    assert "Show 173 more steps" in section(html, "timeline")
    assert "203 steps" in section(html, "timeline")
    assert "Show 173 more steps" in section(html, "usage")
    whole = member_client.get(address(run["id"]) + "?full=timeline&full=usage").content.decode()
    assert whole.count('class="what"') == 203
    assert "more step" not in whole


def test_what_many_steps_hold_is_fetched_when_they_are_unfolded(project, member_client):
    run = factories.run_object()
    factories.post(project, run)
    calls = [
        [factories.function_call("a", output=f"output of {number}-{each}") for each in range(1, 3)]
        for number in range(1, 20)
    ]
    factories.post_steps(project, *(factories.step_object(run, *each) for each in calls))
    html = opened(member_client, run)
    assert "output of 15-2" not in html
    place = re.search(r'hx-get="\?full=(row-15-2)" hx-trigger="toggle once" hx-target="#row-15-2"', html)
    assert place
    url = f"{address(run['id'])}?full={place[1]}"
    body = member_client.get(url, headers={"HX-Request": "true", "HX-Target": place[1]}).content.decode()
    assert "<html" not in body
    assert 'id="row-15-2"' in body
    assert "output of 15-2" in body
    assert "output of 15-2" in member_client.get(url).content.decode()  # the link, without JavaScript


@pytest.mark.parametrize("place", ["row-", "row-0", "row-99", "row-1-7", "row-x", "row-1" + "0" * 40])
def test_a_step_that_is_not_there_is_not_found(project, member_client, place):
    run = with_steps(project, 1)
    shown = member_client.get(address(run["id"]), headers={"HX-Request": "true", "HX-Target": place})
    assert shown.status_code == 404


def test_similar_failures_of_the_last_day_are_one_click_away(project, member_client):
    now = int(time.time())
    run = factories.failed_run("rate_limit", created_at=now - 60)
    others = [
        factories.failed_run("rate_limit", created_at=now - 90, assistant_id="asst_other"),
        factories.failed_run("rate_limit", created_at=now - 90, model="o3"),
        factories.failed_run("rate_limit", created_at=now - 90_000),
        factories.failed_run("server_error", created_at=now - 90),
        factories.failed_run("rate_limit", "Something else.", created_at=now - 90),
    ]
    factories.post(project, run, *others)
    html = opened(member_client, run)
    told = section(html, "errors")
    assert "Rate limit reached. rate_limit, since" in told
    assert "3 runs ended like this in the last 24 hours." in verdict(html)
    assert "In the last 24 hours: 3 in all 2 of this assistant 2 on this model" in told
    assert formats.format_prose_time(datetime.fromtimestamp(now - 90_000, UTC)) in told
    links = [
        unescape(each)
        for each in re.findall(r'href="([^"]*q=error_group%3A[^"]*)">', html[html.index('id="similar"') :])
    ]
    expected = ({0, 1, 2}, {0, 1}, {1}, {0})  # others, beside the run itself
    for link, numbers in zip(links, expected, strict=True):
        listed = member_client.get(link).content.decode()
        assert run["id"] in listed
        assert {number for number, other in enumerate(others) if other["id"] in listed} == numbers


def test_every_metadata_value_can_be_asked_for(project, member_client):
    metadata = {"customer": "acme", 'odd "key"': 'a "b" \\ *, (c)', "empty": "", "日本": "-x OR y"}
    run, other = factories.run_object(metadata=metadata), factories.run_object(metadata={"customer": "other"})
    factories.post(project, run, other)
    html = opened(member_client, run)
    links = [unescape(each) for each in re.findall(r'href="([^"]+)">(?:Only|Not)<', html)]
    assert len(links) >= 6
    for only, without in zip(links[::2], links[1::2], strict=True):
        listed = member_client.get(only).content.decode()
        assert run["id"] in listed, only
        assert other["id"] not in listed, only
        listed = member_client.get(without).content.decode()
        assert run["id"] not in listed, without


def test_failed_steps_are_drawn_wherever_they_are(project, member_client):
    run = factories.failed_run()
    steps = [factories.step_object(run, factories.function_call("a")) for _ in range(60)]
    steps[-1] |= {"status": "failed", "last_error": {"code": "server_error", "message": "Tool broke."}}
    factories.post(project, run)
    factories.post_steps(project, *steps)
    html = opened(member_client, run)
    assert "Show 29 more steps" in section(html, "timeline")
    assert f'id="{steps[-1]["id"]}"' in html
    assert "Tool broke." in section(html, "timeline")


def test_more_tools_than_fit_come_into_view_on_demand(project, member_client):
    run = factories.run_object(tools=[factories.function_tool(f"tool_{number}") for number in range(128)])
    factories.post(project, run)
    html = opened(member_client, run)
    assert "128 configured" in section(html, "tools")
    assert "Show 108 more tools" in section(html, "tools")
    swap = {"HX-Request": "true", "HX-Target": "tools"}
    whole = member_client.get(address(run["id"]) + "?full=tools", headers=swap).content.decode()
    assert "tool_127" in whole
    assert "Filter 128 tools" in whole


def test_the_twin_is_the_object_as_it_was_posted(project, member_client):
    run = factories.run_object(temperature=1.0, vendor="\ud800")
    factories.post(project, run)
    url = reverse("run-json", kwargs={"project": "default", "run_id": run["id"]})
    shown = member_client.get(url)
    assert shown["Content-Type"] == "application/json"
    assert json.loads(shown.content) == run
    assert "Content-Disposition" not in shown
    assert member_client.get(url + "?download=1")["Content-Disposition"] == f'attachment; filename="{run["id"]}.json"'


@pytest.mark.parametrize("name", ["run", "run-json"])
def test_other_peoples_runs_do_not_exist(member_client, name):
    other = factories.make_project("other")
    run = factories.post_run(other)
    for project in ("default", "other"):
        url = reverse(name, kwargs={"project": project, "run_id": run.external_id})
        assert member_client.get(url).status_code == 404


@pytest.mark.parametrize("run_id", ["run/with/slashes", "run.json", "a b?c#d&e=f", "日本", 'quote"s', "new\nline"])
def test_any_id_has_an_address(project, member_client, run_id):
    run = factories.run_object(id=run_id)
    factories.post(project, run)
    opened(member_client, run)
    url = reverse("run-json", kwargs={"project": "default", "run_id": run_id}) + "?download=1"
    assert json.loads(member_client.get(url).content) == run


def test_reading_needs_a_login_and_writes_nothing(project, client):
    run = factories.post_run(project)
    assert client.get(address(run.external_id)).status_code == 302
    assert client.post(address(run.external_id)).status_code == 405
