"""Making, listing and revoking share links, and switching sharing off."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from runs.models import AuditEvent, Membership, Project, Run, ShareLink, User
from runs.team.share_links import create_share_link
from tests import factories
from tests.pages import Page

URL = "/p/default/settings/sharing/"


@pytest.fixture
def run(project: Project) -> Run:
    return factories.post_run(project)


def share_url(run: Run) -> str:
    return reverse("run-share-links", kwargs={"project": "default", "run_id": run.external_id})


def audit_log(project: Project) -> list[str]:
    return [str(event) for event in AuditEvent.objects.newest(project)]


def test_link_is_shown_once_and_opens_until_revoked(admin_client: Client, project: Project, run: Run) -> None:
    run_page = Page(admin_client.get(reverse("run", kwargs={"project": "default", "run_id": run.external_id})))
    form = Page(admin_client.get(run_page.link("Share…").url)).form("Make link")
    assert ("days", "7") in form.values
    made = admin_client.post(form.url, {"days": "30", "left_out": ["outputs", "metadata"]})
    address = Page(made).button("Copy link").get("data-copy") or ""
    link = ShareLink.objects.get()
    assert timedelta(days=29) < link.expires_at - timezone.now() <= timedelta(days=30)
    assert address.rsplit("/", 2)[1].encode() not in bytes(link.digest)
    assert address not in admin_client.get(form.url).content.decode()
    assert Client().get(address).status_code == 200
    row = Page(admin_client.get(URL)).table("Table of links").row(run.external_id)
    assert (row["Made by"].text, row["Left out"].text, row["Uses"].text) == ("ada", "metadata, outputs", "1")
    assert (row["Last use"].text, row["Expires"].text) == ("0 s ago", "in 29 d")
    assert admin_client.post(f"/p/default/links/{link.pk}/revoke", {"list": "project"})["Location"] == URL
    assert Client().get(address).status_code == 404
    admin_client.post(f"/p/default/links/{link.pk}/revoke")  # it is revoked already, and nothing is recorded
    named = f"the share link {link.pk} to the run {run.external_id}"
    assert audit_log(project) == [
        f"ada revoked {named}",
        f"ada made {named} (expires in 30 days, without metadata, outputs)",
    ]


@pytest.mark.parametrize("form", [{}, {"days": "2"}, {"days": "7", "left_out": "tools"}], ids=str)
def test_invalid_link_form_gets_422(admin_client: Client, run: Run, form: dict[str, str]) -> None:
    response = admin_client.post(share_url(run), form)
    assert response.status_code == 422
    assert Page(response).alert().text
    assert not ShareLink.objects.exists()


def test_no_link_is_made_while_sharing_is_off(admin_client: Client, project: Project, run: Run, admin: User) -> None:
    _, token = create_share_link(project, run, admin, timedelta(days=1))
    admin_client.post(f"{URL}enabled", {})
    assert admin_client.post(share_url(run), {"days": "1"}).status_code == 422
    assert "switched off" in Page(admin_client.get(share_url(run))).text
    assert "switched off" in Page(admin_client.get(URL)).text
    assert Client().get(f"/shared/{token}/").status_code == 404
    admin_client.post(f"{URL}enabled", {"is_enabled": "on"})
    assert Client().get(f"/shared/{token}/").status_code == 200
    assert ShareLink.objects.count() == 1
    assert audit_log(project) == ["ada switched sharing on", "ada switched sharing off"]


def test_all_links_are_revoked_at_once(admin_client: Client, project: Project, run: Run, admin: User) -> None:
    tokens = [create_share_link(project, run, admin, timedelta(days=1))[1] for _ in range(2)]
    other = factories.make_project("other")
    foreign = create_share_link(other, factories.post_run(other), factories.make_user(other), timedelta(days=1))[1]
    form = Page(admin_client.get(URL)).form("Revoke 2 links")
    assert admin_client.post(form.url).status_code == 302
    statuses = [Client().get(f"/shared/{token}/").status_code for token in (*tokens, foreign)]
    assert statuses == [404, 404, 200]
    assert audit_log(project) == ["ada revoked all links: 2 share links"]


def test_links_of_a_removed_maker_are_marked(admin_client: Client, project: Project, run: Run) -> None:
    maker = factories.make_user(project, name="grace")
    create_share_link(project, run, maker, timedelta(days=1))
    Membership.objects.get(user=maker).delete()
    row = Page(admin_client.get(URL)).table("Table of links").row("grace")
    assert "opens nothing" in row["Made by"].text


def test_older_links_are_on_further_pages(
    admin_client: Client, project: Project, run: Run, admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dashboard.pages.settings.sharing_views.MAX_LISTED_LINKS", 2)
    links = [create_share_link(project, run, admin, timedelta(days=1))[0].pk for _ in range(3)]
    page = Page(admin_client.get(URL))
    assert page.table("Table of links").cells("Number") == [str(links[2]), str(links[1])]
    older = Page(admin_client.get(URL + page.link("Older links").url.rpartition("/")[2]))
    assert older.table("Table of links").cells("Number") == [str(links[0])]


def test_viewers_make_no_links(project: Project, run: Run) -> None:
    viewer = Client()
    viewer.force_login(factories.make_user(project, "viewer"))
    run_page = Page(viewer.get(reverse("run", kwargs={"project": "default", "run_id": run.external_id})))
    assert not run_page.has("link", "Share…")
    assert viewer.post(share_url(run), {"days": "7"}).status_code == 403
