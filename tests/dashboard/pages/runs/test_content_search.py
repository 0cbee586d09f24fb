"""The list shows where runs have what was searched for, and the page of a run marks it."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from runs.models import Project
from runs.models.search_text import MAX_SEARCHED_LENGTH
from tests import factories
from tests.pages import Page

LIST = "/p/default/runs/"


@pytest.fixture
def run(project: Project) -> dict[str, Any]:
    """A run with a question, an answer and a step of two calls."""
    posted = factories.run_object(id="run_weather")
    factories.post(project, posted)
    asked = {"thread_id": posted["thread_id"], "created_at": posted["created_at"] - 1}
    factories.post_messages(
        project,
        factories.message_object(None, "Is it <b>warm</b>\n\nin Paris?", **asked),
        factories.message_object(posted, "It is **warm**: 22 degrees & sunny."),
    )
    calls = factories.function_call("find_city"), factories.function_call("get_weather", '{"city": "Paris"}', "22 °C")
    factories.post_steps(project, factories.step_object(posted, *calls, id="step_weather"))
    return posted


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("asked:WARM", "in the question: Is it <b>warm</b> in Paris?"),
        ('answered:"22 degrees"', "in the answer: It is **warm**: 22 degrees & sunny."),
        ("arguments:paris", 'in arguments of get_weather: {"city": "Paris"}'),
        ('output:"22 °C"', "in output of get_weather: 22 °C"),
        ("-said:cold 22", "in the answer: It is **warm**: 22 degrees & sunny."),
    ],
)
def test_rows_show_where_hits_are(member_client: Client, run: dict[str, Any], query: str, expected: str) -> None:
    page = Page(member_client.get(LIST, {"q": query}))
    assert expected in [cell.text for cell in page.find_all("cell")]


def test_no_match_says_what_is_not_searched(member_client: Client, run: dict[str, Any], project: Project) -> None:
    text = Page(member_client.get(LIST, {"q": "said:zzqx"})).find("main").text
    assert f"the first {MAX_SEARCHED_LENGTH:,} characters are searched" in text
    Project.objects.update(searchable_until="messages 80000000000000000000000000000000")
    text = Page(member_client.get(LIST, {"q": "said:warm"})).find("main").text
    assert "Older messages and tool calls are being made searchable: 50 % are." in text
    assert "being made searchable" not in Page(member_client.get(LIST)).find("main").text


def test_hit_in_pending_call_leads_to_overview(member_client: Client, project: Project) -> None:
    factories.post(project, factories.waiting_run("find_city", "book_hotel", id="run_waiting"))
    page = Page(member_client.get(LIST, {"q": "arguments:A-1"}))
    assert 'in arguments of find_city: {"order": "A-1"}' in [cell.text for cell in page.find_all("cell")]
    page = Page(member_client.get(f"{LIST}run_waiting/", {"list": "q=arguments:A-1"}))
    assert "Found in arguments of find_city" in page.find("main").text
    assert page.link("Go to it").url == "#overview"


def test_run_page_leads_to_first_hit(member_client: Client, run: dict[str, Any]) -> None:
    response = member_client.get(f"{LIST}run_weather/", {"list": "q=arguments:Paris"})
    page = Page(response)
    assert "Found in arguments of get_weather" in page.find("main").text
    assert page.link("Go to it").url == "?list=q%3Darguments%253A%2522Paris%2522&full=row-1-2#step_weather-2"
    assert b"&quot;city&quot;: &quot;<mark>Paris</mark>&quot;" in response.content
    assert b"in <mark>Paris</mark>?" in response.content


def test_run_page_marks_words_in_markdown(member_client: Client, run: dict[str, Any]) -> None:
    response = member_client.get(f"{LIST}run_weather/", {"list": 'q=answered:"degrees %26"'})
    assert b"22 <mark>degrees &amp;</mark> sunny" in response.content
    assert b"<mark>" not in member_client.get(f"{LIST}run_weather/").content


def test_question_and_answer_are_columns(member_client: Client, run: dict[str, Any]) -> None:
    row = Page(member_client.get(LIST, {"columns": "question,answer"})).table().rows[0]
    assert row["Question"].text == "Is it <b>warm</b> in Paris?"
    assert row["Answer"].text == "It is **warm**: 22 degrees & sunny."
    header, line = member_client.get("/p/default/runs.csv").getvalue().decode().splitlines()
    assert header.endswith(",question,answer")
    assert line.endswith(",Is it <b>warm</b> in Paris?,It is **warm**: 22 degrees & sunny.")


def test_threads_are_labelled_by_first_question(member_client: Client, run: dict[str, Any]) -> None:
    row = Page(member_client.get("/p/default/threads/")).table("Threads").row(run["thread_id"])
    assert row["Question"].text == "Is it <b>warm</b> in Paris?"
