"""The page of an assistant: its versions, their changes, and metrics that were computed by hand."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from dashboard.pages.assistants import comparison, configuration_changes, metrics_table, version_list
from runs.analytics import version_comparison, versions
from runs.models import Project, Run
from tests import factories
from tests.factories import delete_run
from tests.pages import Element, Page
from tests.runs.analytics import version_change
from tests.runs.analytics.version_change import ASSISTANT, CHANGED, HOUR, NEW, OLD

URL = f"/p/default/assistants/{ASSISTANT}/"
MINUS = "\N{MINUS SIGN}"
SCRIPT = "<script>alert('x')"


def comparison_of(response) -> Element:
    """The section that compares two versions; it is the first one after the list of versions."""
    return Page(response).region(re.compile(r"^v\d+( compared with v\d+)?$"))


def metrics(response) -> dict[str, list[str]]:
    """Before, after and change of each metric."""
    rows = comparison_of(response).table("Metrics").rows
    return {label: cells for label, *cells in ([cell.text for cell in row.cells][:4] for row in rows)}


def version_table(response) -> list[list[str]]:
    return [[cell.text for cell in row.cells] for row in Page(response).table("All versions").rows]


def summary(response) -> Element:
    return comparison_of(response).find("note", "Failure rate")


@pytest.fixture
def filled(project) -> Project:
    version_change.fill(project)
    return project


# An assistant whose instructions changed on a known day


def test_versions_are_listed_with_the_change(member_client, filled):
    response = member_client.get(URL)
    section = comparison_of(response)
    assert section.name == "v2 compared with v1"
    assert "Changed 10 May 2026, 09:12:00 UTC" in section.text
    newest, oldest = Page(response).navigation("Versions").find_all("link")
    assert newest.text == "v2 Instructions 4 10 May 2026, 3 h 00 min · in use"
    assert (newest.is_current, oldest.is_current) == (True, False)
    assert oldest.text == "v1 First seen 8 10 May 2026, 7 h 00 min"


def test_changed_instructions_are_shown_as_diff(member_client, filled):
    section = Page(member_client.get(URL)).region("Changes")
    assert f"From v1 to v2: Instructions +1 {MINUS}1" in section.text
    changes = [(element.tag, element.text) for element in section.iterate() if element.tag in ("del", "ins")]
    assert changes == [("del", "2. Read the policy."), ("ins", "2. Read the policy of the country.")]
    assert section.names("heading") == ["Changes", "Instructions"]


def test_change_of_few_runs_is_not_shown(member_client, filled):
    changes = {label: change for label, (_, _, change) in metrics(member_client.get(URL)).items()}
    assert changes["Runs"] == ""
    assert changes["Failed"] == "+37.5 pts"  # the summary has its interval
    assert changes["Duration p95"] == changes["Prompt tokens, median"] == "too few runs"


def test_metrics_equal_those_computed_by_hand(member_client, filled, monkeypatch):
    monkeypatch.setattr(metrics_table, "MIN_COMPARED_RUNS", 1)
    assert metrics(member_client.get(URL)) == {
        "Runs": ["8", "4", ""],
        "Failed": ["12.5 %", "50.0 %", "+37.5 pts"],
        "Incomplete": ["12.5 %", "0 %", f"{MINUS}12.5 pts"],
        "Duration p50": ["40 s", "40 s", "0 %"],
        "Duration p95": ["1 min 20 s", "1 min 40 s", "+25 %"],
        "Prompt tokens, median": ["400 of 7", "500 of 2", "+25 %"],
        "Completion tokens, median": ["40 of 7", "20 of 2", f"{MINUS}50 %"],
        "Tool calls per run, mean": ["1.5 of 2", "—", ""],
        "Cost per run, mean, est.": ["$0.0012 of 7", "$0.0024 of 2", "+100 %"],
    }


def test_summary_says_that_few_runs_prove_nothing(member_client, filled):
    # Wilson: 2.24 to 47.09 % and 15.00 to 85.00 %; 37.5 less 49.21, and 37.5 more 36.47
    assert summary(member_client.get(URL)).text == (
        "No significant change in the failure rate: 12.5 % before, 50.0 % after. With 8 and 4 runs, a difference like "
        f"this may be chance (95 % interval: {MINUS}11.7 to +74.0 points). This is a small sample: check again when "
        "there are more runs."
    )


def test_significant_rise_names_its_error_code(member_client, project):
    version_change.fill(project)
    many = [version_change.run(f"run_more_{n}", CHANGED + (4 + n) * HOUR, 5, NEW, 1, 1) for n in range(30)]
    factories.post(project, *(run | version_change.failed(run) for run in many))
    factories.post(
        project, *(version_change.run(f"run_well_{n}", CHANGED - (9 + n) * HOUR, 5, OLD, 1, 1) for n in range(30))
    )
    response = member_client.get(URL)
    note = summary(response)
    assert note.get("data-status") == "failed"
    assert note.text.startswith("The failure rate rose from 2.6 % to 94.1 %. With 38 and 34 runs")
    assert "Most of the rise is due to rate_limit_exceeded: 32 of 32 failures, 1 before." in note.text
    assert metrics(response)["Failed"][2] == "+91.5 pts"
    assert 'class="delta bad">+91.5 pts' in response.content.decode()
    assert "32 runs" in Page(member_client.get(note.link("rate_limit_exceeded").url)).text


def test_significant_fall_is_no_alarm(member_client, project):
    old = [version_change.run(f"run_bad_{n}", CHANGED - (1 + n) * HOUR, 5, OLD, 1, 1) for n in range(40)]
    factories.post(project, *(run | version_change.failed(run) for run in old))
    factories.post(project, *(version_change.run(f"run_good_{n}", CHANGED + n * HOUR, 5, NEW, 1, 1) for n in range(40)))
    note = summary(member_client.get(URL))
    assert note.get("data-status") is None
    assert "The failure rate fell from 100 % to 0 %." in note.text


def test_numbers_link_to_their_runs(member_client, filled):
    expected = {
        "Runs": [8, 4],
        "Failed": [1, 2],
        "Incomplete": [1, 0],
        "Duration p50": [8, 4],
        "Prompt tokens, median": [7, 2],
    }
    table = comparison_of(member_client.get(URL)).table("Metrics")
    for label, counts in expected.items():
        for cell, count in zip(table.row(label).cells[1:3], counts, strict=True):
            response = member_client.get(cell.link().url)
            rows = re.findall(r'<tr role="row" id="row-', response.content.decode())
            assert (response.status_code, len(rows)) == (200, count), label


def test_all_versions_are_in_a_table(member_client, filled):
    newest, oldest = version_table(member_client.get(URL))
    assert [newest[0], *newest[3:]] == [
        "v2", f"Instructions +1 {MINUS}1", "our-own", "4", "50.0 %", "40 s", "1 min 40 s", "1.04 k", "$0.0024",
    ]  # fmt: skip
    assert [oldest[0], *oldest[3:]] == [
        "v1", "First seen", "our-own", "8", "12.5 %", "40 s", "1 min 20 s", "440", "$0.0012",
    ]  # fmt: skip


def test_sparklines_mark_the_change(member_client, filled):
    response = member_client.get(URL)
    assert response.content.decode().count('class="marker" x1="7.9"') == 9
    assert comparison_of(response).table("Metrics").columns[-1] == "By hour, change marked"


# Other versions and ranges


def test_range_can_be_shorter(member_client, filled):
    assert "up to 24 hours" in comparison_of(member_client.get(f"{URL}?within=24h")).text


def test_first_version_has_nothing_before(member_client, filled):
    first, _ = versions.fetch_versions(filled, ASSISTANT).versions
    section = comparison_of(member_client.get(f"{URL}?version={first.id.hex[:12]}"))
    assert section.name == "v1"
    assert "This is the first known version" in section.text


def test_any_earlier_version_can_be_the_base(member_client, filled):
    other = {"model": "gpt-4o", "temperature": 0.2, "tools": [factories.function_tool("b")]}
    factories.post(filled, version_change.run("run_third", CHANGED + 20 * HOUR, 5, "Third.", 1, 1, **other))
    first, _, third = versions.fetch_versions(filled, ASSISTANT).versions
    section = comparison_of(member_client.get(URL))
    assert section.name == "v3 compared with v2"
    assert section.field("Compare with").options == ["v2", "v1"]
    response = member_client.get(f"{URL}?version={third.id.hex[:12]}&base={first.id.hex[:12]}")
    assert comparison_of(response).name == "v3 compared with v1"
    assert metrics(response)["Runs"] == ["8", "1", ""]
    changes = Page(response).region("Changes")
    assert f"tools +1 {MINUS}1" in changes.text
    assert "Model our-own to gpt-4o" in changes.text
    row = changes.table("Changed settings").row("temperature")
    assert [cell.text for cell in row.cells] == ["temperature", "1.0", "0.2", f"{MINUS}0.8"]


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
def test_changes_are_summarized(member_client, project, change, short, long):
    factories.post(project, version_change.run("run_a", CHANGED, 5, OLD, 1, 1))
    factories.post(
        project,
        version_change.run("run_b", CHANGED + HOUR, 5, **{"instructions": OLD} | change, prompt=1, completion=1),
    )
    response = member_client.get(URL)
    assert Page(response).navigation("Versions").link(re.compile("^v2")).text.startswith(f"v2 {short} 1 ")
    assert version_table(response)[0][3] == long
    assert f"From v1 to v2: {long} " in Page(response).region("Changes").text


def test_other_notation_is_no_other_value(member_client, project):
    factories.post(project, version_change.run("run_a", CHANGED, 5, OLD, 1, 1, temperature=1))
    factories.post(project, version_change.run("run_b", CHANGED + HOUR, 5, OLD, 1, 1, temperature=1.0))
    changes = [row[3] for row in version_table(member_client.get(URL))]
    assert changes in (["First seen"], ["Same values in another notation", "First seen"])


def test_restored_version_is_compared_with_the_replaced_one(member_client, filled):
    back = [version_change.run(f"run_back_{n}", CHANGED + (10 + n) * HOUR, 10, OLD, 1, 1) for n in range(3)]
    factories.post(filled, *back)
    response = member_client.get(URL)
    assert comparison_of(response).name == "v1 compared with v2"
    assert "Restored 10 May 2026, 19:12:00 UTC" in comparison_of(response).text
    assert metrics(response)["Failed"] == ["50.0 %", "0 %", f"{MINUS}50.0 pts"]
    version_link = Page(response).navigation("Versions").link(re.compile("^v2"))
    assert version_link.text == "v2 Instructions 4 10 May 2026, 3 h 00 min · then v1 again"
    section = comparison_of(member_client.get(version_link.url))
    assert "v1 was restored after v2, 10 May 2026, 19:12:00 UTC" in section.text
    again = member_client.get(section.link("compare v1 with v2").url)
    assert "Restored 10 May 2026, 19:12:00 UTC" in comparison_of(again).text


def test_overlapping_version_is_shown(member_client, filled):
    factories.post(filled, version_change.run("run_beside", CHANGED + HOUR, 5, OLD, 1, 1))
    response = member_client.get(URL)
    section = comparison_of(response)
    expected = "v1 was in use at the same time: 1 run between the first and the last run of v2."
    assert expected in section.text
    assert metrics(response)["Runs"] == ["8", "4", ""]
    runs = member_client.get(section.link("1 run").url)
    assert re.findall(r'title="(run_[a-z]+)"', runs.content.decode()) == ["run_beside"]


def test_busiest_overlapping_versions_are_shown(member_client, filled, monkeypatch):
    monkeypatch.setattr(comparison, "MAX_OVERLAPPING", 1)
    both = [version_change.run(f"run_other_{n}", CHANGED + HOUR, 5, f"Text {n}", 1, 1) for n in range(2)]
    factories.post(filled, *both, version_change.run("run_last", CHANGED + 2 * HOUR, 5, "Text 1", 1, 1))
    second = next(
        version for version in versions.fetch_versions(filled, ASSISTANT).versions if version.first_at == CHANGED
    )
    text = comparison_of(member_client.get(f"{URL}?version={second.id.hex[:12]}")).text
    assert text.count("was in use at the same time:") == 1
    assert "1 other version was in use at the same time, with fewer runs." in text


def test_version_not_used_later_has_no_metrics(member_client, filled):
    first, second = versions.fetch_versions(filled, ASSISTANT).versions
    response = member_client.get(f"{URL}?version={first.id.hex[:12]}&base={second.id.hex[:12]}")
    assert "v1 was not used after v2" in comparison_of(response).text
    assert "From v2 to v1" in Page(response).region("Changes").text


def test_older_versions_are_on_the_next_page(member_client, project, monkeypatch):
    monkeypatch.setattr(version_list, "VERSIONS_PER_PAGE", 3)
    factories.post(
        project, *(version_change.run(f"run_{n}", CHANGED + n * HOUR, 5, f"Text {n}", 1, 1) for n in range(8))
    )
    response = member_client.get(URL)
    assert [row[0] for row in version_table(response)] == ["v8", "v7", "v6"]
    response = member_client.get(Page(response).link("5 older").url)
    assert [row[0] for row in version_table(response)] == ["v5", "v4", "v3"]
    assert Page(response).link("Newest versions").url == URL


# Edge cases


def test_single_run_makes_one_version(member_client, project):
    factories.post_run(project, assistant_id=ASSISTANT, usage=None, model=None, status="dreaming", instructions=None)
    response = member_client.get(URL)
    assert [row[0] for row in version_table(response)] == ["v1"]
    assert "This is the first known version" in comparison_of(response).text


def test_side_may_be_far_from_the_change(member_client, filled):
    factories.post(filled, version_change.run("run_late", CHANGED + timedelta(days=40), 5, "Late.", 1, 1))
    response = member_client.get(URL)
    assert metrics(response)["Runs"] == ["4", "1", ""]  # the last four of v2, however long ago
    for run in version_change.after()[1:]:
        delete_run(Run.objects.get(external_id=run["id"]))
    assert metrics(member_client.get(URL))["Runs"] == ["1", "1", ""]


def test_capped_side_has_the_nearest_runs(member_client, filled, monkeypatch):
    monkeypatch.setattr(version_comparison, "MAX_SIDE_RUNS", 3)
    text = comparison_of(member_client.get(URL)).text
    assert "Before: the 3 runs nearest to the change, 10 May 2026, 06:12:00 UTC to" in text


def test_active_runs_are_counted(member_client, filled):
    factories.post(
        filled,
        version_change.run(
            "run_on", CHANGED + 4 * HOUR, 5, NEW, 1, 1, status="in_progress", completed_at=None, usage=None
        ),
    )
    assert "0 and 1 of them have not ended" in comparison_of(member_client.get(URL)).text


def test_ids_and_texts_are_escaped(member_client, project):
    for number, text in enumerate((SCRIPT, f"{SCRIPT}!")):
        factories.post_run(
            project, assistant_id="a&b <c>", instructions=text, model=text, created_at=factories.NOW + number
        )
    factories.post_assistants(project, **{"a&b <c>": SCRIPT})
    response = member_client.get("/p/default/assistants/a%26b%20%3Cc%3E/")
    assert response.status_code == 200
    assert SCRIPT not in response.content.decode()
    assert f"model {SCRIPT}" in Page(response).text


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
def test_invalid_parameter_is_rejected(member_client, filled, query):
    assert member_client.get(f"{URL}?{query}").status_code == 400


def test_only_members_see_the_page(client, member_client, filled):
    assert client.get(URL).status_code == 302
    version_change.fill(factories.make_project("other"))
    assert member_client.get(f"/p/other/assistants/{ASSISTANT}/").status_code == 404
    assert member_client.get("/p/default/assistants/asst_unknown/").status_code == 404
    assert member_client.post(URL).status_code == 405


def test_htmx_request_gets_the_fragment(member_client, filled):
    headers = {"HX-Request": "true", "HX-Target": "versions"}
    fragment = member_client.get(URL, headers=headers)
    assert "<html" not in fragment.content.decode()
    assert comparison_of(fragment).name == "v2 compared with v1"
    assert "v2 compared with v1" in fragment["HX-Trigger"]
    restored = headers | {"HX-History-Restore-Request": "true"}
    assert "<!doctype" in member_client.get(URL, headers=restored).content.decode().lower()


def test_number_of_queries_is_constant(member_client, project):
    def count_queries() -> int:
        configuration_changes._summary_cache.clear()
        with CaptureQueriesContext(connection) as captured:
            assert member_client.get(URL).status_code == 200
        return len(captured)

    counts = []
    for begin in (0, 10):
        runs = [
            version_change.run(f"run_{n}", CHANGED + n * HOUR, 5, f"Text {n}", 1, 1) for n in range(begin, begin + 10)
        ]
        factories.post(project, *runs)
        counts.append(count_queries())
    assert counts[0] == counts[1] <= 21


# Names


def test_given_name_takes_precedence(member_client, member, filled):
    factories.post_assistants(filled, **{ASSISTANT: "Posted"})
    assert "Posted name, last received" in Page(member_client.get(URL)).text
    response = member_client.post(f"/p/default/names/{ASSISTANT}/", {"name": "  Returns desk "}, follow=True)
    assert response.redirect_chain == [(URL, 302)]
    page = Page(response)
    assert page.status("Assistant named Returns desk.")
    assert f"Named by {member.username}" in page.text
    assert "posted as “Posted”" in page.text
    factories.post_assistants(filled, **{ASSISTANT: "Posted again"})
    assert Page(member_client.get(URL)).heading().text == "Returns desk"
    member_client.post(f"/p/default/names/{ASSISTANT}/", {"name": ""})
    assert Page(member_client.get(URL)).heading().text == "Posted again"


def test_viewers_cannot_rename(client, filled):
    client.force_login(factories.make_user(filled, role="viewer"))
    assert not Page(client.get(URL)).has("button", "Save name")
    assert client.post(f"/p/default/names/{ASSISTANT}/", {"name": "x"}).status_code == 403


def test_invalid_rename_is_rejected(member_client, filled):
    url = f"/p/default/names/{ASSISTANT}/"
    assert member_client.post(url, {"name": "x" * 257}).status_code == 400
    assert member_client.post("/p/default/names/asst_unknown/", {"name": "x"}).status_code == 404
    assert member_client.get(url).status_code == 405


def test_assistant_without_runs_has_a_page(member_client, project):
    factories.post_assistants(project, asst_new="Newcomer")
    page = Page(member_client.get("/p/default/assistants/asst_new/"))
    assert page.has("heading", "No runs of this assistant yet")
