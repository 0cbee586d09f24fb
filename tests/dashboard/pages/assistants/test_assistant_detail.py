"""The page of an assistant: its versions, what changed, and what that did, by figures that were computed by hand."""

import re
from datetime import timedelta
from html import unescape

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from dashboard.pages.assistants import changes, comparison, version_list
from runs.analytics import version_comparison, versions
from runs.models import Project, Run
from runs.team.deletion import delete_run
from tests import factories
from tests.runs.analytics import version_change
from tests.runs.analytics.version_change import ASSISTANT, CHANGED, HOUR, NEW, OLD

URL = f"/p/default/assistants/{ASSISTANT}/"
MINUS = "\N{MINUS SIGN}"
SCRIPT = "<script>alert('x')</script>"


def words(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())


def part(response, name: str) -> str:
    """The section of that id, as HTML."""
    found = re.search(rf'<(section|div|p) [^>]*id="{name}".*?</\1>', response.content.decode(), re.DOTALL)
    return found[0] if found else ""


def measures(response) -> dict[str, list[str]]:
    """Before, after and change of each measure."""
    rows = re.findall(r"<tr><th scope=\"row\">.*?</tr>", part(response, "against"), re.DOTALL)
    cells = [[words(cell) for cell in re.split(r"</t[hd]>", row)] for row in rows]
    return {label: [before, after, change] for label, before, after, change, *_ in cells}


def table(response) -> list[list[str]]:
    rows = re.findall(r"<tr><th scope=\"row\">.*?</tr>", part(response, "table"), re.DOTALL)
    return [[words(cell) for cell in re.split(r"</t[hd]>", row)[:-1]] for row in rows]


def links(html: str) -> dict[str, str]:
    found = re.findall(r'<a href="([^"]*)"[^>]*>(.*?)</a>', html, re.DOTALL)
    return {words(text): unescape(url) for url, text in found}


@pytest.fixture
def filled(project) -> Project:
    version_change.fill(project)
    return project


# an assistant whose instructions changed on a known day


def test_the_two_configurations_are_there_in_order_with_the_day_of_the_change(member_client, filled):
    response = member_client.get(URL)
    assert "v2 against v1" in words(part(response, "against"))
    assert "Changed 10 May 2026, 09:12:00 UTC" in words(part(response, "against"))
    found = words(part(response, "list"))
    assert "v2 Instructions 4 10 May 2026, 3 h 00 min · in use v1 First seen 8 10 May 2026, 7 h 00 min" in found


def test_the_difference_of_the_instructions_is_shown(member_client, filled):
    section = part(member_client.get(URL), "changes")
    assert "From v1 to v2: Instructions +1 \N{MINUS SIGN}1" in words(section)
    assert "<del>2. Read the policy.</del>" in section
    assert "<ins>2. Read the policy<b> of the country</b>.</ins>" in section
    assert "Tools" not in words(section)
    assert "Settings" not in words(section)


def test_before_and_after_are_what_was_computed_by_hand(member_client, filled):
    assert measures(member_client.get(URL)) == {
        "Runs": ["8", "4", ""],
        "Failed": ["12.5 %", "50.0 %", "+37.5 pts"],
        "Incomplete": ["12.5 %", "0 %", f"{MINUS}12.5 pts"],
        "Duration p50": ["40 s", "40 s", "0 %"],
        "Duration p95": ["1 m 20 s", "1 m 40 s", "+25 %"],
        "Prompt tokens, median": ["400 of 7", "500 of 2", "+25 %"],
        "Completion tokens, median": ["40 of 7", "20 of 2", f"{MINUS}50 %"],
        "Tool calls per run, mean": ["1.5 of 2", "—", ""],
        "Cost per run, mean, est.": ["$0.0012 of 7", "$0.0024 of 2", "+100 %"],
    }


def test_few_runs_are_said_to_prove_nothing(member_client, filled):
    verdict = words(part(member_client.get(URL), "verdict"))
    # Wilson: 2.24 to 47.09 % and 15.00 to 85.00 %; 37.5 less 49.21, and 37.5 more 36.47
    assert verdict == (
        "No certain change of the failure rate: 12.5 % before, 50.0 % after. With 8 and 4 runs a difference like this "
        f"may be chance (95 % interval: {MINUS}11.7 to +74.0 points). That is few: come back when there are more."
    )


def test_a_rise_that_is_hardly_chance_is_said_and_put_down_to_its_code(member_client, project):
    version_change.fill(project)
    many = [version_change.run(f"run_more_{n}", CHANGED + (4 + n) * HOUR, 5, NEW, 1, 1) for n in range(30)]
    factories.post(project, *(each | version_change.failed(each) for each in many))
    factories.post(
        project, *(version_change.run(f"run_well_{n}", CHANGED - (9 + n) * HOUR, 5, OLD, 1, 1) for n in range(30))
    )
    response = member_client.get(URL)
    verdict = part(response, "verdict")
    assert 'data-status="failed"' in verdict
    assert words(verdict).startswith("Failure rate rose from 2.6 % to 94.1 %. With 38 and 34 runs")
    assert "Most of the rise is rate_limit_exceeded : 32 of 32 failures, 1 before." in words(verdict)
    assert 'class="delta bad">+91.5 pts' in part(response, "against")
    assert "32 runs" in words(member_client.get(links(verdict)["rate_limit_exceeded"]).content.decode())


def test_a_fall_is_no_alarm(member_client, project):
    old = [version_change.run(f"run_bad_{n}", CHANGED - (1 + n) * HOUR, 5, OLD, 1, 1) for n in range(40)]
    factories.post(project, *(each | version_change.failed(each) for each in old))
    factories.post(project, *(version_change.run(f"run_good_{n}", CHANGED + n * HOUR, 5, NEW, 1, 1) for n in range(40)))
    verdict = part(member_client.get(URL), "verdict")
    assert "data-status" not in verdict
    assert "Failure rate fell from 100 % to 0 %." in words(verdict)


def test_every_number_leads_to_the_runs_behind_it(member_client, filled):
    rows = re.findall(r"<tr><th scope=\"row\">.*?</tr>", part(member_client.get(URL), "against"), re.DOTALL)
    expected = {
        "Runs": (8, 4),
        "Failed": (1, 2),
        "Incomplete": (1, 0),
        "Duration p50": (8, 4),
        "Prompt tokens, median": (7, 2),
    }
    for row in rows:
        label = words(row.split("</th>")[0])
        urls = [unescape(url) for url in re.findall(r'href="([^"]*)"', row)]
        if label in expected:
            for url, count in zip(urls, expected[label], strict=True):
                listed = member_client.get(url)
                found = re.findall(r'<tr role="row" id="row-', listed.content.decode())
                assert (listed.status_code, len(found)) == (200, count), (label, url)


def test_all_versions_stand_in_a_table(member_client, filled):
    newest, oldest = table(member_client.get(URL))
    assert [newest[0], *newest[3:]] == [
        "v2", "Instructions +1 \N{MINUS SIGN}1", "our-own", "4", "50.0 %", "40 s", "1 m 40 s", "1.04 k", "$0.0024",
    ]  # fmt: skip
    assert [oldest[0], *oldest[3:]] == [
        "v1",
        "First seen",
        "our-own",
        "8",
        "12.5 %",
        "40 s",
        "1 m 20 s",
        "440",
        "$0.0012",
    ]


def test_sparklines_mark_the_change(member_client, filled):
    section = part(member_client.get(URL), "against")
    assert section.count('class="mark" x1="7.9"') == 9
    assert "By hour, change marked" in words(section)


# other choices


def test_a_shorter_time_and_another_version_can_be_compared(member_client, filled):
    response = member_client.get(f"{URL}?within=24h")
    assert "up to 24 hours" in words(part(response, "against"))
    (first, _) = versions.fetch_versions(filled, ASSISTANT).versions
    response = member_client.get(f"{URL}?version={first.id.hex[:12]}")
    assert "This is the first version that is known" in words(part(response, "against"))


def test_any_earlier_version_can_be_compared_with(member_client, filled):
    other = {"model": "gpt-4o", "temperature": 0.2, "tools": [factories.function_tool("b")]}
    factories.post(filled, version_change.run("run_third", CHANGED + 20 * HOUR, 5, "Third.", 1, 1, **other))
    first, second, third = versions.fetch_versions(filled, ASSISTANT).versions
    response = member_client.get(URL)
    assert "v3 against v2" in words(part(response, "against"))
    response = member_client.get(f"{URL}?version={third.id.hex[:12]}&base={first.id.hex[:12]}")
    assert "v3 against v1" in words(part(response, "against"))
    assert measures(response)["Runs"] == ["8", "1", ""]
    section = words(part(response, "changes"))
    assert "tools +1 \N{MINUS SIGN}1" in section
    assert "Model our-own to gpt-4o" in section
    assert "temperature 1.0 0.2 \N{MINUS SIGN}0.8" in section
    assert second.name in words(part(response, "against"))


@pytest.mark.parametrize(
    ("change", "short", "long"),
    [
        ({"instructions": OLD + "\nBe kind."}, "Instructions", "Instructions +1"),
        ({"tools": []}, "Tools", f"Tools {MINUS}1"),
        ({"tools": [factories.function_tool("search_orders", limit={"type": "integer"})]}, "Tools", "1 tool changed"),
        ({"tools": None, "model": "o3"}, "Model, tools", f"Model our-own to o3, tools {MINUS}1"),
        ({"temperature": 0.1, "top_p": 0.5, "max_prompt_tokens": 9}, "Sampling, limits", "Sampling, limits"),
        ({"tool_choice": "none", "file_ids": []}, "File_ids, tool_choice", "File_ids, tool_choice"),
    ],
)
def test_what_changed_is_said_in_a_few_words(member_client, project, change, short, long):
    factories.post(project, version_change.run("run_a", CHANGED, 5, OLD, 1, 1))
    factories.post(
        project,
        version_change.run("run_b", CHANGED + HOUR, 5, **{"instructions": OLD} | change, prompt=1, completion=1),
    )
    response = member_client.get(URL)
    assert f"v2 {short} 1 " in words(part(response, "list"))
    assert table(response)[0][3] == long
    assert f"From v1 to v2: {long} " in words(part(response, "changes"))


def test_a_configuration_that_is_spelled_otherwise_is_no_other(member_client, project):
    factories.post(project, version_change.run("run_a", CHANGED, 5, OLD, 1, 1, temperature=1))
    factories.post(project, version_change.run("run_b", CHANGED + HOUR, 5, OLD, 1, 1, temperature=1.0))
    response = member_client.get(URL)
    assert [row[3] for row in table(response)] in (["First seen"], ["The same, spelled otherwise", "First seen"])


def test_a_return_to_what_was_before_is_recognised(member_client, filled):
    back = [version_change.run(f"run_back_{n}", CHANGED + (10 + n) * HOUR, 10, OLD, 1, 1) for n in range(3)]
    factories.post(filled, *back)
    response = member_client.get(URL)
    assert "v1 against v2" in words(part(response, "against"))
    assert "It came back 10 May 2026, 19:12:00 UTC" in words(part(response, "against"))
    assert measures(response)["Failed"] == ["50.0 %", "0 %", f"{MINUS}50.0 pts"]
    assert "v2 Instructions 4 10 May 2026, 3 h 00 min · then v1 again" in words(part(response, "list"))
    second = versions.fetch_versions(filled, ASSISTANT).versions[1]
    response = member_client.get(f"{URL}?version={second.id.hex[:12]}")
    assert "After v2 it went back to v1, 10 May 2026, 19:12:00 UTC : v1 against v2 ." in words(part(response, "back"))
    again = member_client.get(URL + links(part(response, "back"))["v1 against v2"])
    assert "It came back 10 May 2026, 19:12:00 UTC" in words(part(again, "against"))


def test_versions_in_use_at_the_same_time_are_said_to_be(member_client, filled):
    factories.post(filled, version_change.run("run_beside", CHANGED + HOUR, 5, OLD, 1, 1))
    response = member_client.get(URL)
    assert "v1 was in use at the same time: 1 run between the first and the last of v2." in words(
        part(response, "beside-1")
    )
    assert measures(response)["Runs"] == ["8", "4", ""]
    beside = member_client.get(links(part(response, "beside-1"))["1 run"])
    assert re.findall(r'title="(run_[a-z]+)"', beside.content.decode()) == ["run_beside"]


def test_the_busiest_of_many_at_the_same_time_are_told(member_client, filled, monkeypatch):
    monkeypatch.setattr(comparison, "MAX_OVERLAPPING", 1)
    both = [version_change.run(f"run_other_{n}", CHANGED + HOUR, 5, f"Text {n}", 1, 1) for n in range(2)]
    factories.post(filled, *both, version_change.run("run_last", CHANGED + 2 * HOUR, 5, "Text 1", 1, 1))
    second = next(each for each in versions.fetch_versions(filled, ASSISTANT).versions if each.first_at == CHANGED)
    response = member_client.get(f"{URL}?version={second.id.hex[:12]}")
    assert words(part(response, "against")).count("in use at the same time") == 1
    assert "1 other version was, too, less often." in words(part(response, "against"))


def test_what_was_not_used_after_the_other_has_no_before_and_after(member_client, filled):
    first, second = versions.fetch_versions(filled, ASSISTANT).versions
    response = member_client.get(f"{URL}?version={first.id.hex[:12]}&base={second.id.hex[:12]}")
    assert "v1 was not used after v2" in words(part(response, "against"))
    assert "From v2 to v1" in words(part(response, "changes"))


def test_earlier_versions_are_counted_and_a_page_away(member_client, project, monkeypatch):
    monkeypatch.setattr(version_list, "VERSIONS_PER_PAGE", 3)
    factories.post(
        project, *(version_change.run(f"run_{n}", CHANGED + n * HOUR, 5, f"Text {n}", 1, 1) for n in range(8))
    )
    response = member_client.get(URL)
    assert [row[0] for row in table(response)] == ["v8", "v7", "v6"]
    older = links(part(response, "list"))["5 earlier"]
    response = member_client.get(URL + older)
    assert [row[0] for row in table(response)] == ["v5", "v4", "v3"]
    assert "Back to the last" in links(part(response, "list"))


# awkward cases


def test_an_assistant_with_one_run_is_no_riddle(member_client, project):
    factories.post_run(project, assistant_id=ASSISTANT, usage=None, model=None, status="dreaming", instructions=None)
    response = member_client.get(URL)
    assert [row[0] for row in table(response)] == ["v1"]
    assert "This is the first version that is known" in words(response.content.decode())


def test_a_side_without_runs_is_said(member_client, filled):
    factories.post(filled, version_change.run("run_late", CHANGED + timedelta(days=40), 5, "Late.", 1, 1))
    response = member_client.get(URL)
    assert measures(response)["Runs"] == ["4", "1", ""]  # the last four of v2, however long ago
    for run in version_change.after()[1:]:
        delete_run(Run.objects.get(external_id=run["id"]))
    assert measures(member_client.get(URL))["Runs"] == ["1", "1", ""]


def test_more_than_can_be_read_is_said_to_be_the_nearest(member_client, filled, monkeypatch):
    monkeypatch.setattr(version_comparison, "MAX_SIDE_RUNS", 3)
    text = words(part(member_client.get(URL), "against"))
    assert "Before: the 3 runs next to the change, 10 May 2026, 06:12:00 UTC to" in text


def test_runs_that_have_not_ended_are_counted_apart(member_client, filled):
    factories.post(
        filled,
        version_change.run(
            "run_on", CHANGED + 4 * HOUR, 5, NEW, 1, 1, status="in_progress", completed_at=None, usage=None
        ),
    )
    assert "0 and 1 of them have not ended" in words(part(member_client.get(URL), "against"))


def test_odd_ids_and_texts_are_escaped(member_client, project):
    for number, text in enumerate((SCRIPT, f"{SCRIPT}!")):
        factories.post_run(
            project, assistant_id="a/b <c>", instructions=text, model=text, created_at=factories.NOW + number
        )
    factories.post_assistants(project, **{"a/b <c>": SCRIPT})
    response = member_client.get("/p/default/assistants/a%2Fb%20%3Cc%3E/")
    assert response.status_code == 200
    assert SCRIPT not in response.content.decode()
    assert "model <script>" in words(response.content.decode())


@pytest.mark.parametrize(
    "query",
    [
        "version=xyz",
        "version=abcdef",
        "base=0000",
        "within=5d",
        "upto=0",
        "upto=99",
        "upto=x",
        "colour=red",
        "within=7d&within=7d",
    ],
)
def test_what_can_not_be_meant_is_refused(member_client, filled, query):
    assert member_client.get(f"{URL}?{query}").status_code == 400


def test_nobody_else_sees_it(client, member_client, filled):
    assert client.get(URL).status_code == 302
    version_change.fill(factories.make_project("other"))
    assert member_client.get(f"/p/other/assistants/{ASSISTANT}/").status_code == 404
    assert member_client.get("/p/default/assistants/asst_unknown/").status_code == 404
    assert member_client.post(URL).status_code == 405


def test_the_versions_are_swapped_in_by_their_target(member_client, filled):
    headers = {"HX-Request": "true", "HX-Target": "versions"}
    swapped = member_client.get(URL, headers=headers)
    assert swapped.content.decode().lstrip().startswith('<div class="page" id="versions">')
    assert "v2 against v1" in swapped["HX-Trigger"]
    restored = headers | {"HX-History-Restore-Request": "true"}
    assert "<!doctype" in member_client.get(URL, headers=restored).content.decode().lower()


def test_many_versions_cost_what_few_cost(member_client, project):
    def queries() -> int:
        changes._summary_cache.clear()
        with CaptureQueriesContext(connection) as found:
            assert member_client.get(URL).status_code == 200
        return len(found)

    counts = []
    for begin in (0, 10):
        made = [
            version_change.run(f"run_{n}", CHANGED + n * HOUR, 5, f"Text {n}", 1, 1) for n in range(begin, begin + 10)
        ]
        factories.post(project, *made)
        counts.append(queries())
    assert counts[0] == counts[1] <= 21


# names


def test_members_name_it_and_readers_see_who_did(member_client, member, filled):
    factories.post_assistants(filled, **{ASSISTANT: "Posted"})
    assert "The name was posted" in words(member_client.get(URL).content.decode())
    response = member_client.post(f"/p/default/names/{ASSISTANT}/", {"name": "  Returns desk "}, follow=True)
    assert response.redirect_chain == [(URL, 302)]
    text = words(response.content.decode())
    assert "Named Returns desk." in text
    assert f"Named by {member.username}" in text
    assert "posted as “Posted”" in text
    factories.post_assistants(filled, **{ASSISTANT: "Posted again"})
    assert '<h1 class="clip">Returns desk</h1>' in member_client.get(URL).content.decode()
    member_client.post(f"/p/default/names/{ASSISTANT}/", {"name": ""})
    assert '<h1 class="clip">Posted again</h1>' in member_client.get(URL).content.decode()


def test_viewers_only_read_names(client, filled):
    client.force_login(factories.make_user(filled, role="viewer"))
    assert "names/" not in client.get(URL).content.decode()
    assert client.post(f"/p/default/names/{ASSISTANT}/", {"name": "x"}).status_code == 403


def test_names_that_can_not_be_given_are_refused(member_client, filled):
    path = f"/p/default/names/{ASSISTANT}/"
    assert member_client.post(path, {"name": "x" * 257}).status_code == 400
    assert member_client.post("/p/default/names/asst_unknown/", {"name": "x"}).status_code == 404
    assert member_client.get(path).status_code == 405


def test_one_that_is_known_by_its_name_alone_has_a_page(member_client, project):
    factories.post_assistants(project, asst_new="Newcomer")
    assert "No runs of this assistant yet" in words(
        member_client.get("/p/default/assistants/asst_new/").content.decode()
    )
