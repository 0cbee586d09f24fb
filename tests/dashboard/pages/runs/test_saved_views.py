"""Saved views: the tabs above the list, and the pages that keep them."""

from __future__ import annotations

import re
from html import unescape
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from dashboard.pages.runs import saved_view_tabs as tabs
from dashboard.pages.runs.saved_view_tabs import SavedViewTab
from runs.models import Project, SavedView, User
from tests import factories
from tests.runs.test_saved_views import saved

LIST = "/p/default/runs/"
URL = "/p/default/views/"
SWAP = {"HX-Request": "true", "HX-Target": "results"}


def broken(project: Project, owner: User, **fields: Any) -> SavedView:
    """A view of a field that is no more."""
    return SavedView.objects.create(project=project, owner=owner, name="Old", query="gone:x", **fields)


def tab_names(client: Client, url: str = LIST) -> list[str]:
    nav = re.search(r'<nav class="tabs".*?</nav>', client.get(url).content.decode(), re.DOTALL)
    assert nav
    return [unescape(name).strip() for name in re.findall(r"<a [^>]*>([^<]*)", nav[0])]


def current(client: Client, url: str) -> str:
    """The name of the tab that is marked; "" for none."""
    found = re.search(r'<a [^>]*data-view="\w+" aria-current="page">([^<]*)', client.get(url).content.decode())
    return unescape(found[1]).strip() if found else ""


@pytest.fixture(autouse=True)
def a_run(project: Project) -> None:
    """Without any, the list teaches how to connect, and has no tabs."""
    factories.post_run(project)


@pytest.fixture
def admin_client(project: Project) -> Client:
    client = Client()
    client.force_login(factories.make_user(project, role="admin", name="anna"))
    return client


# saving


def test_current_list_is_saved_as_view(member_client: Client, project: Project, member: User) -> None:
    query = urlencode({"status": "failed", "from": "-24h", "q": "metadata.customer:acme", "sort": "-duration"})
    response = member_client.post(URL, {"name": "Failing at Acme", "query": query})
    view = SavedView.objects.get()
    assert response["Location"] == f"{LIST}?{query.replace('&sort=', '&sort=')}&view={view.pk}"
    assert (view.query, view.sort) == ("status:failed created:-24h metadata.customer:acme", "-duration")
    assert (view.owner, view.shared, view.columns) == (member, False, None)
    body = member_client.get(response["Location"]).content.decode()
    assert "Saved the view “Failing at Acme”." in body
    assert current(member_client, response["Location"]) == "Failing at Acme"


def test_columns_are_saved_on_request(member_client: Client, project: Project) -> None:
    member_client.post("/p/default/prefs/columns", {"column": ["model", "tokens"]})
    response = member_client.post(URL, {"name": "Models", "query": "", "keep_columns": "on"})
    assert response["Location"] == f"{LIST}?columns=model%2Ctokens&view={SavedView.objects.get().pk}"
    member_client.post("/p/default/prefs/columns", {"column": ["thread"]})
    body = member_client.get(response["Location"]).content.decode()
    assert "c-model" in body
    assert "c-thread" not in body


def test_selected_columns_override_those_of_view(member_client: Client, project: Project, member: User) -> None:
    view = saved(project, member, "Models", columns=["model"])
    query = f"columns=model&view={view.pk}"
    response = member_client.post("/p/default/prefs/columns", {"column": ["thread"], "query": query})
    assert response["Location"] == f"{LIST}?view={view.pk}"


@pytest.mark.parametrize(
    ("posted", "said"),
    [({"name": ""}, "expected a name"), ({"name": "Mine"}, "there is already a view &#x27;Mine&#x27;")],
    ids=["none", "taken"],
)
def test_invalid_form_keeps_typed_values(
    member_client: Client, project: Project, member: User, posted: dict[str, str], said: str
) -> None:
    saved(project, member, "Mine")
    response = member_client.post(URL, {"query": "status=failed", "keep_columns": "on"} | posted)
    body = response.content.decode()
    assert response.status_code == 422
    assert said in body
    assert '<input type="hidden" name="query" value="status=failed">' in body
    assert f'name="name" value="{posted["name"]}"' in body


def test_invalid_list_query_is_not_saved(member_client: Client, project: Project) -> None:
    response = member_client.post(URL, {"name": "X", "query": "status=faild"}, follow=True)
    assert "The view was not saved: status: unknown value" in unescape(response.content.decode())
    assert not SavedView.objects.exists()


def test_viewer_opens_but_cannot_save_views(client: Client, project: Project, member: User) -> None:
    view = saved(project, member, "Failing", shared=True, query="status:failed")
    client.force_login(factories.make_user(project, role="viewer"))
    assert tab_names(client) == ["All runs", "Failing"]
    assert client.get(f"{URL}{view.pk}/").status_code == 302
    assert "save-view-form" not in client.get(LIST).content.decode().replace('form="save-view-form"', "")
    for url in (URL, f"{URL}{view.pk}/edit", f"{URL}{view.pk}/replace", f"{URL}{view.pk}/delete"):
        assert client.post(url, {"name": "X", "query": ""}).status_code == 403


# tabs


def test_tab_of_shown_list_is_current(member_client: Client, project: Project, member: User) -> None:
    assert tab_names(member_client) == []
    failing = saved(project, member, "Failing", query="status:failed")
    saved(project, member, "Slow", query="duration:>30s", sort="-duration")
    assert tab_names(member_client) == ["All runs", "Failing", "Slow"]
    assert current(member_client, LIST) == "All runs"
    assert current(member_client, f"{LIST}?status=failed") == "Failing"
    assert current(member_client, f"{LIST}?q=status:failed") == "Failing"
    assert current(member_client, f"{LIST}?q=duration:>30s&sort=-duration") == "Slow"
    assert current(member_client, f"{LIST}?q=duration:>30s") == ""
    assert current(member_client, f"{LIST}?status=expired&view={failing.pk}") == "Failing"


def test_changed_view_can_be_replaced(member_client: Client, project: Project, member: User) -> None:
    view = saved(project, member, "Failing", query="status:failed")
    assert "Replace “Failing”" not in member_client.get(f"{LIST}?status=failed&view={view.pk}").content.decode()
    body = member_client.get(f"{LIST}?status=expired&view={view.pk}").content.decode()
    assert "Replace “Failing”" in body
    assert f'formaction="{URL}{view.pk}/replace"' in body
    response = member_client.post(f"{URL}{view.pk}/replace", {"query": f"status=expired&view={view.pk}", "name": ""})
    assert response["Location"] == f"{LIST}?status=expired&view={view.pk}"
    view.refresh_from_db()
    assert (view.name, view.query) == ("Failing", "status:expired")


def test_every_link_keeps_the_view(member_client: Client, project: Project, member: User) -> None:
    view = saved(project, member, "Done", query="status:completed", columns=["model"])
    body = member_client.get(f"{LIST}?status=completed&columns=model&view={view.pk}").content.decode()
    assert f'href="{LIST}?status=completed&amp;sort=-duration' not in body  # a column that is not shown
    assert f'name="view" value="{view.pk}"' in body
    assert f"/news/?status=completed&amp;columns=model&amp;view={view.pk}" in body
    assert f'href="{LIST}"' in body  # what clears the filters leaves the view
    assert "/runs.csv?status=completed&quot;" not in body
    assert 'href="/p/default/runs.csv?status=completed"' in body


def test_fragment_names_the_current_tab(member_client: Client, project: Project, member: User) -> None:
    view = saved(project, member, "Failing", query="status:failed")
    body = member_client.get(f"{LIST}?status=failed", headers=SWAP).content.decode()
    assert f'id="state" hidden data-view="{view.pk}"' in body


def test_saved_views_cost_one_query(member_client: Client, project: Project, member: User) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as captured:
            member_client.get(f"{LIST}?view=all")
        return len(captured)

    count()
    none = count()
    for number in range(5):
        saved(project, member, f"View {number}", query=f"metadata.n:{number}", shared=number % 2 == 0)
    assert count() == none


def test_counts_load_separately_and_are_capped(
    member_client: Client, project: Project, member: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    factories.post(project, *(factories.failed_run() for _ in range(3)))
    failing = saved(project, member, "Failing", query="status:failed")
    rest = saved(project, member, "Rest", query="-status:failed")
    broken(project, member)
    asked = re.search(rf'hx-get="({URL}counts\?state=3-\d+)"', member_client.get(LIST).content.decode())
    assert asked
    response = member_client.get(asked[1])
    assert response["Cache-Control"] == "private, max-age=60"
    counted = response.content.decode()
    assert f'<span id="view-count-{failing.pk}" hx-swap-oob="true">3</span>' in counted
    assert f'<span id="view-count-{rest.pk}" hx-swap-oob="true">1</span>' in counted
    monkeypatch.setattr(tabs, "MAX_COUNT", 2)
    monkeypatch.setattr(tabs, "MAX_COUNTED_VIEWS", 1)
    counted = member_client.get(f"{URL}counts").content.decode()
    assert re.findall(r">([^<]+)</span>", counted) == ["2+"]
    monkeypatch.setattr(tabs, "TOTAL_COUNT_TIMEOUT_MS", 0)
    assert "span" not in member_client.get(f"{URL}counts").content.decode()
    assert member_client.get(f"{URL}counts?stat=1").status_code == 400


# the default


def test_bare_list_redirects_to_default_view(member_client: Client, project: Project, member: User) -> None:
    view = saved(project, member, "Production", query="metadata.env:prod", shared=True, default=True)
    response = member_client.get(LIST)
    assert (response.status_code, response["Location"]) == (302, f"{LIST}?q=metadata.env%3Aprod&view={view.pk}")
    body = member_client.get(response["Location"]).content.decode()
    assert f'<a href="{LIST}?view=all"' in body  # the tab, and what clears the filters
    assert current(member_client, f"{LIST}?view=all") == "All runs"
    assert f'href="{LIST}?status=failed' not in body
    body = member_client.get(f"{LIST}?status=completed").content.decode()
    assert f'href="{LIST}?view=all"' in body  # without its token
    assert 'name="view" value="all"' in body


def test_administrator_sets_the_default_view(admin_client: Client, member_client: Client, project: Project) -> None:
    member_client.post(URL, {"name": "Mine", "query": "", "shared": "on", "default": "on"})
    assert not SavedView.objects.get().is_default
    assert 'name="default"' not in member_client.get(f"{LIST}?view=all").content.decode()
    admin_client.post(URL, {"name": "Production", "query": "status=failed", "shared": "on", "default": "on"})
    assert SavedView.objects.defaults().get().name == "Production"


def test_member_edit_keeps_view_the_default(member_client: Client, project: Project, member: User) -> None:
    view = saved(project, member, "Production", shared=True, default=True)
    member_client.post(f"{URL}{view.pk}/edit", {"name": "Live", "query": "metadata.env:prod", "shared": "on"})
    view.refresh_from_db()
    assert (view.name, view.query, view.is_default) == ("Live", "metadata.env:prod", True)
    response = member_client.post(f"{URL}{view.pk}/edit", {"name": "Live", "query": ""})
    assert response.status_code == 422


# permalinks, and views that can't be read any more


def test_permalink_redirects_to_current_query(
    member_client: Client, client: Client, project: Project, member: User
) -> None:
    shared = saved(project, member, "Failing", query="status:failed", shared=True, columns=["model"])
    mine = saved(project, member, "Mine")
    client.force_login(factories.make_user(project))
    address = f"{LIST}?status=failed&columns=model&view={shared.pk}"
    assert client.get(f"{URL}{shared.pk}/")["Location"] == address
    assert client.get(f"{URL}{mine.pk}/").status_code == 404
    assert member_client.get(f"{URL}{mine.pk}/")["Location"] == f"{LIST}?view={mine.pk}"
    client.force_login(factories.make_user(factories.make_project("other")))
    assert client.get(f"{URL}{shared.pk}/").status_code == 404


def test_view_with_removed_field_can_be_repaired(
    member_client: Client, client: Client, project: Project, member: User
) -> None:
    view = broken(project, member, shared=True)
    page = member_client.get(LIST)
    assert page.status_code == 200
    assert f'<a href="{URL}{view.pk}/" title="q: column 1: unknown field' in page.content.decode()
    opened = member_client.get(f"{URL}{view.pk}/").content.decode()
    assert "This view can't be read any more" in opened
    assert "unknown field &#x27;gone&#x27;" in opened
    assert f'href="{URL}{view.pk}/edit"' in opened
    assert "Can't be read any more" in member_client.get(URL).content.decode()
    form = member_client.get(f"{URL}{view.pk}/edit").content.decode()
    assert 'value="gone:x"' in form
    assert "unknown field" in form
    again = member_client.post(f"{URL}{view.pk}/edit", {"name": "Old", "query": "gone:y", "shared": "on"})
    assert again.status_code == 422
    assert 'value="gone:y"' in again.content.decode()
    mended = member_client.post(f"{URL}{view.pk}/edit", {"name": "New", "query": "status:failed", "shared": "on"})
    assert mended["Location"] == f"{LIST}?status=failed&view={view.pk}"
    client.force_login(factories.make_user(project, role="viewer"))
    broken_again = broken(project, member, shared=True)
    assert f"{URL}{broken_again.pk}/edit" not in client.get(f"{URL}{broken_again.pk}/").content.decode()


def test_broken_default_view_shows_its_problem(member_client: Client, project: Project, member: User) -> None:
    view = broken(project, member, shared=True, is_default=True)
    assert member_client.get(LIST)["Location"] == f"{URL}{view.pk}/"
    assert f'href="{LIST}?view=all"' in member_client.get(f"{URL}{view.pk}/").content.decode()
    assert member_client.get(f"{LIST}?view=all").status_code == 200


def test_removed_columns_are_named_and_skipped(member_client: Client, project: Project, member: User) -> None:
    view = saved(project, member, "Models", columns=["model", "vintage"])
    assert member_client.get(f"{URL}{view.pk}/")["Location"] == f"{LIST}?columns=model&view={view.pk}"
    assert "Columns that are no more: vintage" in member_client.get(URL).content.decode()
    assert "vintage is no more" in member_client.get(f"{URL}{view.pk}/edit").content.decode()


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("columns=modle", "unknown column 'modle'; did you mean 'model'?"),
        ("columns=", "unknown column ''"),
        ("view=x", "expected the number of a saved view, or all"),
        ("view=0", "expected the number of a saved view, or all"),
    ],
)
def test_invalid_view_and_columns_are_rejected(member_client: Client, project: Project, query: str, said: str) -> None:
    response = member_client.get(f"{LIST}?{query}")
    assert response.status_code == 400
    assert said in unescape(response.content.decode())


def test_out_of_range_view_number_gets_404(member_client: Client, project: Project) -> None:
    assert member_client.get(f"{URL}{10**30}/").status_code == 404


def test_deleted_view_url_still_lists_runs(member_client: Client, project: Project) -> None:
    assert member_client.get(f"{LIST}?status=failed&view=999").status_code == 200


# the page of all views


def test_view_list_shows_each_query(member_client: Client, project: Project, member: User) -> None:
    assert "No views yet" in member_client.get(URL).content.decode()
    other = factories.make_user(project, name="otto")
    theirs = saved(project, other, "Failing", query="status:failed", shared=True)
    mine = saved(project, member, "Dear", query="cost:>1", sort="-cost")
    body = member_client.get(URL).content.decode()
    assert "<code>status:failed</code>" in body
    assert "most expensive first" in body
    assert "otto" in body
    assert f"{URL}{mine.pk}/edit" in body
    assert f"{URL}{theirs.pk}/edit" not in body
    assert member_client.get(f"{URL}{theirs.pk}/edit").status_code == 403


def test_owner_or_administrator_deletes_view(
    member_client: Client, admin_client: Client, project: Project, member: User
) -> None:
    mine, shared = saved(project, member, "Mine"), saved(project, member, "Ours", shared=True)
    assert admin_client.post(f"{URL}{mine.pk}/delete").status_code == 404
    assert admin_client.post(f"{URL}{shared.pk}/delete")["Location"] == URL
    response = member_client.post(f"{URL}{mine.pk}/delete", follow=True)
    assert "Deleted the view “Mine”." in response.content.decode()
    assert not SavedView.objects.exists()


def test_edit_keeps_or_drops_columns(member_client: Client, project: Project, member: User) -> None:
    view = saved(project, member, "Models", columns=["model"])
    posted = {"name": "Models", "query": "", "sort": "-created", "keep_columns": "on"}
    member_client.post(f"{URL}{view.pk}/edit", posted)
    view.refresh_from_db()
    assert (view.columns, view.sort) == (["model"], "")
    member_client.post(f"{URL}{view.pk}/edit", {"name": "Models", "query": "", "sort": "cost"})
    view.refresh_from_db()
    assert (view.columns, view.sort) == (None, "cost")


def test_view_query_is_parsed_once(project: Project, member: User) -> None:
    view = saved(project, member, "Failing", query="status:failed")
    first, second = (SavedViewTab.of(view, LIST) for _ in range(2))
    assert first.content is not None
    assert second.content is not None
    assert first.content.filters is second.content.filters
