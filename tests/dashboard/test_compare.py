"""Two runs side by side: what differs and nothing else, the ways to get there, and what they cost."""

import re
from html import unescape
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from dashboard.ui import text_diff, tool_diff
from dashboard.ui.json_diff import diff_json
from runs.models import Run
from runs.protocol.lossless_json import parse_json
from tests import factories

NOW = factories.NOW
URL = "/p/default/compare/"
SCRIPT = "<script>alert('x')</script><img src=x onerror=alert(1)>\"'"
MINUS, TIMES = "\N{MINUS SIGN}", "\N{MULTIPLICATION SIGN}"


def address(left: str = "run_a", right: str = "run_b", **others: str) -> str:
    return f"{URL}?{urlencode({'left': left, 'right': right} | others)}"


def words(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())


def table(response) -> dict[str, tuple[str, ...]]:
    """Rows by name: A, B, and B minus A."""
    rows = re.findall(r'<tr role="row"><th role="rowheader" scope="row">.*?</tr>', response.content.decode(), re.DOTALL)
    parts = [[words(part) for part in re.split(r"</t[hd]>", row)[:4]] for row in rows]
    return {name: tuple(values) for name, *values in parts}


def section(response, name: str) -> str:
    found = re.search(rf'<section[^>]* id="{name}">.*?</section>', response.content.decode(), re.DOTALL)
    assert found, name
    return words(found[0])


def pair(project, left=None, right=None) -> None:
    base = {"created_at": NOW, "started_at": NOW + 1, "completed_at": NOW + 8}
    first = factories.run_object(**base | {"id": "run_a"} | (left or {}))
    second = factories.run_object(**base | {"id": "run_b"} | (right or {}))
    assert not factories.post(project, first, second).errors


def test_only_what_differs_is_shown(member_client, project):
    pair(project, {"temperature": 0.2, "metadata": {"ticket": "1", "channel": "chat"}},
         {"temperature": 0.7, "metadata": {"ticket": "2", "channel": "chat"}, "model": "gpt-4o"})  # fmt: skip
    assert table(member_client.get(address())) == {
        "model": ("gpt-4o-mini", "gpt-4o", ""),
        "temperature": ("0.2", "0.7", "+0.5"),
        "cost, est.": ("< $0.0001", "$0.0006", "+$0.0006"),
        "metadata.ticket": ("1", "2", ""),
    }


def test_a_failure_is_compared_with_a_success(member_client, project):
    usage = {"prompt_tokens": 14212, "completion_tokens": 102, "total_tokens": 14314}
    error = {"code": "server_error", "message": "Boom."}
    failed = {"status": "failed", "completed_at": None, "failed_at": NOW + 42, "last_error": error, "usage": usage}
    pair(project, failed, {"created_at": NOW - 86400, "started_at": NOW - 86399, "completed_at": NOW - 86388})
    rows = table(member_client.get(address()))
    assert rows["status"] == ("failed", "completed", "")
    assert rows["last_error.code"] == ("server_error", "null", "")
    assert rows["created_at"][2] == f"{MINUS}1 d 00 h"
    assert rows["duration"] == ("42 s", "12 s", f"{MINUS}30 s")
    assert rows["usage.prompt_tokens"] == ("14,212", "120", f"{MINUS}14,092")
    assert "until started" not in rows
    assert rows["completed_at"][0] == "null"


def test_null_and_not_sent_are_told_apart(member_client, project):
    pair(project, {"temperature": None}, {"temperature": ...})
    assert table(member_client.get(address())) == {"temperature": ("null", "not sent", "")}


def test_numbers_are_compared_by_what_they_mean(member_client, project):
    pair(project, {"temperature": 1.0, "top_p": 1}, {"temperature": 1, "top_p": 1.0})
    assert table(member_client.get(address())) == {}


def test_more_is_never_marked_as_bad(member_client, project):
    pair(project, None, {"usage": {"prompt_tokens": 9000, "completion_tokens": 1, "total_tokens": 9001}})
    response = member_client.get(address())
    assert table(response)["usage.prompt_tokens"][2] == "+8,880"
    assert "delta bad" not in response.content.decode()


def test_runs_that_are_alike_say_so(member_client, project):
    pair(project)
    text = words(member_client.get(address()).content.decode())
    assert re.search(r"Nothing differs\. All \d+ fields of the two runs are the same", text)
    assert "A and B are the same run." in words(member_client.get(address("run_a", "run_a")).content.decode())


def test_all_fields_can_be_shown(member_client, project):
    pair(project, {"vendor_field": {"tier": 1}}, {"vendor_field": {"tier": 2}})
    rows = table(member_client.get(address(show="all")))
    assert rows["vendor_field.tier"] == ("1", "2", "+1")
    assert rows["metadata.customer"] == ("acme", "acme", "")
    assert rows["instructions"] == ("34 characters", "34 characters", "")


def test_instructions_are_compared_line_by_line_and_word_by_word(member_client, project):
    lines = [f"Rule {number}." for number in range(9)]
    pair(project, {"instructions": "\n".join([*lines, "Read the policy for the country.", "End."])},
         {"instructions": "\n".join([*lines, "Read the policy.", "End."])})  # fmt: skip
    response = member_client.get(address())
    html = response.content.decode()
    assert "<del>Read the policy<b> for the country</b>.</del><ins>Read the policy.</ins><span>End.</span>" in html
    assert "6 unchanged lines" in section(response, "instructions")
    assert table(response)["instructions"][2] == "diff"


def test_tools_are_compared_function_by_function(member_client, project):
    old, gone = factories.function_tool("search", query={"type": "string"}), factories.function_tool("old_one")
    new, come = factories.function_tool("search", query={"type": "integer"}), factories.function_tool("new_one")
    same = factories.function_tool("same")
    pair(project, {"tools": [old, gone, same]}, {"tools": [same, come, new]})
    text = section(member_client.get(address()), "tools")
    assert "1 added, 1 removed, 1 changed, 1 the same" in text
    assert "Added: new_one" in text
    assert "Removed: old_one" in text
    assert '/function/parameters/properties/query/type changed "string" "integer"' in text


def test_tools_in_another_order_are_the_same(member_client, project):
    tools = [factories.function_tool("one"), factories.function_tool("two")]
    pair(project, {"tools": tools}, {"tools": tools[::-1]})
    assert table(member_client.get(address())) == {}


def test_called_tools_are_compared_where_they_are_known(member_client, project):
    left = factories.run_object(id="run_a")
    right = factories.run_object(id="run_b") | {"created_at": left["created_at"]}
    factories.post(project, left, right)
    factories.post_steps(project, factories.step_object(left, *(factories.function_call("search") for _ in range(3))))
    assert "tool calls" not in table(member_client.get(address()))
    factories.post_steps(project, factories.step_object(right, factories.function_call("refund")))
    assert table(member_client.get(address()))["tool calls"] == (f"search {TIMES}3", "refund", f"{MINUS}2")


# the ways there


def test_a_form_asks_for_the_runs(member_client, project):
    response = member_client.get(URL)
    assert response.status_code == 200
    assert 'name="left"' in response.content.decode()


def test_one_run_is_offered_its_neighbours(member_client, project):
    good = factories.run_object(thread_id="thread_other")
    before = factories.failed_run()
    run = factories.failed_run()
    assert not factories.post(project, good, before, run).errors
    html = unescape(member_client.get(f"{URL}?right={run['id']}").content.decode())
    assert f'href="?left={before["id"]}&right={run["id"]}">Previous run in its thread' in html
    assert f'href="?left={good["id"]}&right={run["id"]}">Last run of its assistant that completed' in html


def test_a_run_is_compared_with_one_that_is_found_for_it(member_client, project):
    good, bad, after = (factories.post_run(project, id=name) for name in ("run_good", "run_bad", "run_after"))
    Run.objects.filter(pk=bad.pk).update(status="failed")
    for kind, run in (("last-good", good), ("previous", bad)):
        response = member_client.get(f"{URL}?right={after.external_id}&with={kind}")
        assert response.status_code == 302
        assert response["Location"] == f"{URL}?left={run.external_id}&right=run_after"
    none = member_client.get(f"{URL}?right=run_good&with=last-good")
    assert "Last run of its assistant that completed: there is none before this run" in words(none.content.decode())


def test_assistants_are_compared_by_name(member_client, project):
    pair(project, {"assistant_id": "asst_a"}, {"assistant_id": "asst_b"})
    factories.post_assistants(project, asst_a="Returns <desk>")
    assert table(member_client.get(address()))["assistant_id"] == ("Returns <desk> (asst_a)", "asst_b", "")


def test_the_last_good_run_is_one_of_the_same_assistant_before(project):
    other = factories.run_object(assistant_id="asst_other")
    run = factories.run_object()
    factories.post(project, other, run, factories.run_object())
    assert Run.objects.last_completed_id_before(Run.objects.get(external_id=run["id"])) is None


def test_sides_can_be_swapped(member_client, project):
    pair(project)
    assert 'href="?left=run_b&amp;right=run_a">Swap A and B' in member_client.get(address()).content.decode()


def test_a_run_leads_to_its_comparison_and_to_its_thread(member_client, project):
    pair(project)
    html = member_client.get("/p/default/runs/run_b/").content.decode()
    assert 'href="/p/default/compare/?right=run_b"' in html
    assert 'href="/p/default/threads/thread_first/"' in html


def test_unknown_runs_are_named(member_client, project):
    pair(project)
    factories.post_run(factories.make_project("other"), id="run_secret")
    response = member_client.get(address("run_secret", "run_b"))
    assert response.status_code == 404
    assert "No such run in this project: run_secret" in words(response.content.decode())
    assert 'value="run_b"' in response.content.decode()
    assert member_client.get(address("run_\x00")).status_code == 404


@pytest.mark.parametrize(
    "query",
    ["nonsense=1", "left=a&left=b", "show=none", "with=x&right=a", "with=previous", "left=a&right=b&with=previous"],
)
def test_what_can_not_be_asked_is_refused(member_client, project, query):
    response = member_client.get(f"{URL}?{query}")
    assert response.status_code == 400
    assert query.split("=")[0] in words(response.content.decode())


def test_people_outside_the_project_see_nothing(client, project):
    client.force_login(factories.make_user(factories.make_project("other")))
    assert client.get(URL).status_code == 404


def test_hostile_text_is_shown_as_text(member_client, project):
    sides = [
        factories.failed_run(
            SCRIPT + side, SCRIPT + side, id=SCRIPT + side, instructions=f"Hi.\n{SCRIPT} {side}", model=SCRIPT + side,
            metadata={SCRIPT: side, SCRIPT + side: "1"}, vendor={SCRIPT: side},
            tools=[factories.function_tool(SCRIPT, **{SCRIPT: side}), factories.function_tool(SCRIPT + side)],
        )
        for side in "ab"
    ]  # fmt: skip
    assert not factories.post(project, *sides).errors
    urls = [address(SCRIPT + "a", SCRIPT + "b"), address(SCRIPT, SCRIPT), f"{URL}?{urlencode({'right': SCRIPT + 'b'})}"]
    for url in urls:
        html = member_client.get(url).content.decode()
        assert "<script>alert" not in html
        assert "<img" not in html


def test_a_comparison_costs_the_same_however_much_differs(member_client, project):
    def cost(left: str, right: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            assert member_client.get(address(left, right)).status_code == 200
        return len(queries)

    pair(project)
    few = cost("run_a", "run_b")
    # session, user, project, projects and roles of the shell; runs, their configurations, their steps, names
    assert few == 9
    tools = [factories.function_tool(f"tool_{number}") for number in range(128)]
    large = factories.run_object(id="run_large", tools=tools, instructions="Other.\n" * 3000, model="o3")
    factories.post(project, large)
    factories.post_steps(project, *(factories.step_object(large, factories.function_call("search")) for _ in range(20)))
    assert cost("run_a", "run_large") == few


# the parts


def test_texts_too_different_to_align_are_shown_as_replaced(monkeypatch):
    monkeypatch.setattr(text_diff, "MAX_ALIGNED_LINES", 2)
    found = text_diff.diff_text("same\na\nb\nc\nend", "same\nx\nb\ny\nend")
    assert [line.kind for line in found.lines] == ["same", *["removed"] * 3, *["added"] * 3, "same"]
    assert (found.added, found.removed) == (3, 3)


def test_what_is_not_shown_of_a_difference_is_counted(monkeypatch):
    monkeypatch.setattr(text_diff, "MAX_SHOWN_LINES", 3)
    found = text_diff.diff_text("a\nb\nc\nd", "")
    assert (len(found.lines), found.hidden_lines, found.removed) == (3, 1, 4)


def test_texts_that_differ_by_their_breaks_say_so():
    [line] = text_diff.diff_text("a\nb", "a\r\nb\n").lines
    assert "breaks" in line.segments[0].text


def test_pointers_are_escaped():
    left, right = parse_json('{"a/b": {"c~d": 1}}'), parse_json('{"a/b": {"c~d": 2}}')
    assert [pointer for pointer, _, _ in diff_json(left, right)] == ["/a~1b/c~0d"]


def test_tools_without_a_name_are_told_apart_by_their_kind():
    found = tool_diff.diff_tools([{"type": "file_search"}], [{"type": "code_interpreter"}, {"type": "file_search"}])
    assert (found.added, found.removed, found.unchanged_count) == (("code_interpreter",), (), 1)
