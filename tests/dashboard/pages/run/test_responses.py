"""The run page of a turn: its question, its calls, and the responses as they were posted."""

from __future__ import annotations

from django.test import Client

from runs.models import Project
from tests import factories
from tests.pages import Page
from tests.responses import answer, call, call_output, post_responses, response_object


def test_page_shows_turn_and_its_responses(project: Project, member_client: Client) -> None:
    asked = call("search_orders")
    first = response_object(asked, {"id": "rs_1", "type": "reasoning", "summary": [{"text": "Thinking it over."}]})
    second = response_object(answer("Two orders."), previous_response_id=first["id"], at=9)
    post_responses(
        project,
        {"request": {"input": "How many orders?"}, "response": first},
        {"request": {"input": [call_output(asked, "2 found")]}, "response": second},
    )
    page = Page(member_client.get(f"/p/default/runs/{second['id']}/", follow=True))
    assert first["id"] in page.title
    for text in ("How many orders?", "Two orders.", "2 found", "search_orders", "Thinking it over."):
        assert text in page.text
    section = page.region("Responses")
    assert second["id"] in section.text
    assert '"input": "How many orders?"' in section.text


def test_other_runs_have_no_responses(project: Project, member_client: Client) -> None:
    run = factories.post_run(project)
    page = Page(member_client.get(f"/p/default/runs/{run.external_id}/"))
    assert not page.has("region", "Responses")
