"""The page of a share link: what it shows, what it leaves out everywhere, and what is counted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from runs.enrichment.maintenance import Maintenance
from runs.models import Membership, Project, Run, ShareLink, User
from runs.team.comments import add_comment
from runs.team.deletion import delete_runs
from runs.team.reviews import mark_reviewed
from runs.team.share_links import create_share_link, set_sharing_enabled
from runs.team.tags import add_tags
from tests import factories
from tests.dashboard.pages.run.run_pages import htmx_headers
from tests.pages import Page
from tests.responses import post_responses, response_object
from tests.runs.traces.spans import agent, chat, ingest_otlp, messages

WEEK = timedelta(days=7)
FRAGMENTS = ("", "run-header", "timeline", "errors", "tools", "usage", "raw", "raw-tree", "row-1", "row-2", "row-2-1")
# One for each part that a link can leave out; each is stored in several places.
SECRETS = {"instructions": "wisdom", "metadata": "acme-corp", "outputs": "lost-parcel"}


def share(run: Run, maker: User, *left_out: str) -> tuple[ShareLink, str]:
    """Make a link, and return it with the path of its page."""
    link, token = create_share_link(run.project, run, maker, WEEK, left_out)
    return link, reverse("shared-run", kwargs={"token": token})


@pytest.fixture
def run(project: Project) -> Run:
    """A failed run that has each secret in every place that can contain it."""
    posted = factories.failed_run(
        "tool_error", "The tool said: lost-parcel", instructions="You have wisdom.", metadata={"customer": "acme-corp"},
        vendor={"prompt": "wisdom", "owner": "acme-corp", "answer": "lost-parcel"},
    )  # fmt: skip
    factories.post(project, posted)
    answer = factories.message_object(posted, "It is a lost-parcel.")
    creation = {"type": "message_creation", "message_creation": {"message_id": answer["id"]}}
    ran = {"input": "print(parcel)", "outputs": [{"type": "logs", "logs": "lost-parcel"}]}
    code = {"id": "call_code", "type": "code_interpreter", "code_interpreter": ran}
    found = {"file_name": "lost-parcel.md", "content": [{"text": "lost-parcel"}]}
    search = {"id": "call_search", "type": "file_search", "file_search": {"results": [found]}}
    mcp = {"id": "call_mcp", "type": "mcp", "name": "find", "arguments": "{}", "output": "Error: lost-parcel",
           "extra": "lost-parcel"}  # fmt: skip
    error = {"code": "server_error", "message": "lost-parcel"}
    factories.post_messages(
        project, answer, factories.message_object(text="Where is my lost-parcel?", created_at=posted["created_at"])
    )
    call = factories.function_call("search_orders", '{"order": "A-1"}', '{"error": "lost-parcel"}')
    factories.post_steps(
        project,
        factories.step_object(posted, step_details=creation, created_at=posted["created_at"] + 1),
        factories.step_object(posted, call, code, search, mcp, created_at=posted["created_at"] + 2),
        factories.step_object(posted, type="reasoning", created_at=posted["created_at"] + 3, last_error=error,
                              step_details={"type": "reasoning", "reasoning": {"summary": ["lost-parcel"]}}),
    )  # fmt: skip
    return Run.objects.get()


def read_everything(client: Client, url: str, queries: tuple[str, ...] = ("", "?full=timeline")) -> Iterator[str]:
    """Yield the page, every fragment of it, and the JSON."""
    for query in (*queries, "?full=tools&full=errors&full=usage&full=raw", "?find=A-1"):
        for target in FRAGMENTS:
            response = client.get(url + query, headers=htmx_headers(target) if target else {})
            assert response.status_code == 200, (query, target)
            yield response.content.decode()
    for path in ("run.json", "run.json?download=1"):
        yield client.get(url + path).content.decode()


def test_page_shows_the_run_read_only(client: Client, run: Run, member: User) -> None:
    add_comment(run, member, "Please look.")
    add_tags(run.project, [run.pk], ["urgent"], member)
    mark_reviewed(run.project, [run.pk], member)
    url = share(run, member)[1]
    response = client.get(url)
    page = Page(response)
    assert page.title == f"Failed {run.external_id} · Runglass"
    for secret in SECRETS.values():
        assert secret in page.text
    regions = page.names("region")
    assert {"Overview", "Timeline", "Errors", "Tools", "Usage", "Instructions", "Raw JSON"} <= set(regions)
    assert not {"History", "Comments", "Tags", "Review"} & set(regions)
    text = response.content.decode()
    for hidden in ("urgent", "Please look", member.get_username(), run.project.name, "/p/default", "hx-headers"):
        assert hidden not in text
    assert {link.url.partition("?")[0].partition("#")[0] for link in page.find_all("link")} <= {"", f"{url}run.json"}
    assert not [form for form in page.iterate() if form.tag == "form" and form.get("method") == "post"]


def test_responses_are_private_and_not_indexed(client: Client, run: Run, member: User) -> None:
    url = share(run, member)[1]
    for path in (url, f"{url}run.json", f"{url}?find={'x' * 300}", f"{url}?full=nothing", url[:-2] + "/"):
        response = client.get(path)
        assert response["X-Robots-Tag"] == "noindex, nofollow, noarchive"
        assert response["Referrer-Policy"] == "no-referrer"
        assert "private" in response["Cache-Control"]
        assert "csrf" not in str(response.cookies)
        assert "session" not in str(response.cookies)


@pytest.mark.parametrize("parts", [*((name,) for name in SECRETS), tuple(SECRETS)], ids="-".join)
def test_left_out_parts_are_nowhere(client: Client, run: Run, member: User, parts: tuple[str, ...]) -> None:
    url = share(run, member, *parts)[1]
    whole = "".join(read_everything(client, url))
    assert {part for part, secret in SECRETS.items() if secret not in whole} == set(parts)
    for part in parts:
        assert "No match" in Page(client.get(url, {"find": SECRETS[part]})).region("Raw JSON").text
    assert "vendor" not in json.loads(client.get(f"{url}run.json").content)
    assert "A-1" in whole
    assert "print(parcel)" in whole
    assert "not sent" not in Page(client.get(url)).region("Metadata").text


def test_runs_of_other_sources_hide_what_they_came_from(client: Client, project: Project, member: User) -> None:
    post_responses(project, response_object(id="resp_1", instructions="Have wisdom."))
    root = agent()
    said = messages(("assistant", "lost-parcel"))
    ingest_otlp(project, root, chat(root, **{"gen_ai.output.messages": said, "gen_ai.system_instructions": "wisdom"}))
    while Maintenance().step():
        pass
    for run in Run.objects.all():
        open_url = share(run, member)[1]
        assert Page(client.get(open_url)).names("region")
        text = "".join(read_everything_of_source(client, share(run, member, *SECRETS)[1]))
        assert "wisdom" not in text
        assert "lost-parcel" not in text


def read_everything_of_source(client: Client, url: str) -> Iterator[str]:
    for target in ("", "timeline", "model-calls", "raw"):
        query = "?full=model-calls&full=raw&full=timeline&timeline=spans"
        yield client.get(url + query, headers=htmx_headers(target) if target else {}).content.decode()
    yield client.get(f"{url}run.json").content.decode()


def test_links_that_open_nothing_look_the_same(client: Client, run: Run, member: User, project: Project) -> None:
    def end(link: ShareLink, **changes: Any) -> None:
        ShareLink.objects.filter(pk=link.pk).update(**changes)

    made = [share(run, member) for _ in range(4)]
    end(made[0][0], expires_at=timezone.now())
    end(made[1][0], revoked_at=timezone.now())
    unknown = made[3][1].replace("/shared/", "/shared/x")
    pages = {client.get(path).content for path in (made[0][1], made[1][1], unknown, f"{made[1][1]}run.json")}
    assert client.get(made[2][1]).status_code == 200
    set_sharing_enabled(project, False)
    pages.add(client.get(made[2][1]).content)
    set_sharing_enabled(project, True)
    membership = Membership.objects.get(user=member)
    membership.delete()
    pages.add(client.get(made[2][1]).content)
    membership.save()
    User.objects.update(is_active=False)
    pages.add(client.get(made[2][1]).content)
    User.objects.update(is_active=True)
    delete_runs(project, [run.external_id], lambda _: None)
    response = client.get(made[2][1])
    pages.add(response.content)
    assert response.status_code == 404
    assert len(pages) == 1
    assert not ShareLink.objects.exists()


def test_wrong_tokens_are_slowed_down(client: Client, run: Run, member: User) -> None:
    url = share(run, member)[1]
    statuses = [client.get(f"/shared/wrong{number}/", REMOTE_ADDR="192.0.2.1").status_code for number in range(21)]
    assert statuses == [404] * 20 + [429]
    refused = client.get(url, REMOTE_ADDR="192.0.2.1")
    assert (refused.status_code, refused["Retry-After"]) == (429, "3")
    assert client.get(url, REMOTE_ADDR="192.0.2.2").status_code == 200


def test_openings_are_counted_and_previews_see_nothing(run: Run, member: User) -> None:
    link, url = share(run, member)

    def count() -> int:
        return ShareLink.objects.get(pk=link.pk).use_count

    browser, reader = Client(), Client()
    browser.get(url)
    for target in ("timeline", "row-1"):
        browser.get(url, headers=htmx_headers(target))  # parts of the open page
    browser.get(f"{url}run.json")
    assert count() == 1
    reader.get(url, headers=htmx_headers("timeline"))
    reader.get(f"{url}run.json")
    assert count() == 3
    assert reader.head(url).status_code == 200
    for program in ("Slackbot-LinkExpanding 1.0", "facebookexternalhit/1.1", "Twitterbot/1.0", "WhatsApp/2.23"):
        text = reader.get(url, headers={"User-Agent": program}).content.decode()
        assert run.external_id not in text
        assert "A shared run" in text
    assert count() == 3
    assert ShareLink.objects.get(pk=link.pk).last_used_at is not None


def test_link_takes_as_few_queries(client: Client, run: Run, member: User, django_assert_max_num_queries: Any) -> None:
    url = share(run, member)[1]
    client.get(url)
    with django_assert_max_num_queries(16):
        client.get(url)
