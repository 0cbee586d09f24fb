"""Tests for saved views: the tabs above the run list, and the pages that manage them."""

from __future__ import annotations

import re
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
from tests.factories import make_saved_view
from tests.pages import Page

LIST = "/p/default/runs/"
URL = "/p/default/views/"
SWAP = {"HX-Request": "true", "HX-Target": "results"}


def create_invalid_view(project: Project, owner: User, **fields: Any) -> SavedView:
    """Create a view that uses a field that no longer exists."""
    return SavedView.objects.create(project=project, owner=owner, name="Old", query="gone:x", **fields)


def tab_names(client: Client, url: str = LIST) -> list[str]:
    return Page(client.get(url)).navigation("Saved views").names("link")


def current_tab(client: Client, url: str) -> str:
    """Return the name of the current tab; "" if there is none."""
    links = Page(client.get(url)).navigation("Saved views").find_all("link")
    return next((link.name for link in links if link.is_current), "")


@pytest.fixture(autouse=True)
def a_run(project: Project) -> None:
    """Create a run, since an empty project has no tabs."""
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
    assert response["Location"] == f"{LIST}?{query}&view={view.pk}"
    assert (view.query, view.sort) == ("status:failed created:-24h metadata.customer:acme", "-duration")
    assert (view.owner, view.shared, view.columns) == (member, False, None)
    assert Page(member_client.get(response["Location"])).status().text == "Saved the view “Failing at Acme”."
    assert current_tab(member_client, response["Location"]) == "Failing at Acme"


def test_columns_are_saved_on_request(member_client: Client, project: Project) -> None:
    member_client.post("/p/default/prefs/columns", {"column": ["model", "tokens"]})
    response = member_client.post(URL, {"name": "Models", "query": "", "keep_columns": "on"})
    assert response["Location"] == f"{LIST}?columns=model%2Ctokens&view={SavedView.objects.get().pk}"
    member_client.post("/p/default/prefs/columns", {"column": ["thread"]})
    columns = Page(member_client.get(response["Location"])).table(re.compile("^Runs")).columns
    assert "Model" in columns
    assert "Thread" not in columns


def test_view_keeps_chart(member_client: Client, project: Project) -> None:
    response = member_client.post(URL, {"name": "Spending", "query": "chart=cost"})
    view = SavedView.objects.get()
    assert response["Location"] == f"{LIST}?view={view.pk}&chart=cost"
    assert not Page(member_client.get(LIST)).has("button", "Replace “Spending”")
    assert Page(member_client.get(f"{LIST}?view={view.pk}")).has("button", "Replace “Spending”")
    edit = f"{URL}{view.pk}/edit"
    posted = {"name": "Spending", "query": "", "chart": "tokens"}
    assert member_client.post(edit, posted)["Location"] == f"{LIST}?view={view.pk}&chart=tokens"
    response = member_client.post(edit, posted | {"chart": "apples"})
    assert (response.status_code, "expected one of" in Page(response).alert().text) == (422, True)


def test_selected_columns_override_those_of_view(member_client: Client, project: Project, member: User) -> None:
    view = make_saved_view(project, member, "Models", columns=["model"])
    query = f"columns=model&view={view.pk}"
    response = member_client.post("/p/default/prefs/columns", {"column": ["thread"], "query": query})
    assert response["Location"] == f"{LIST}?view={view.pk}"


@pytest.mark.parametrize(
    ("posted", "message"),
    [({"name": ""}, "expected a name"), ({"name": "Mine"}, "there is already a view 'Mine'")],
    ids=["none", "taken"],
)
def test_invalid_form_keeps_typed_values(
    member_client: Client, project: Project, member: User, posted: dict[str, str], message: str
) -> None:
    make_saved_view(project, member, "Mine")
    response = member_client.post(URL, {"query": "status=failed", "keep_columns": "on"} | posted)
    assert response.status_code == 422
    page = Page(response)
    assert message in page.alert().text
    values = dict(page.form("Save").values)
    assert (values["query"], values["keep_columns"], values["name"]) == ("status=failed", "on", posted["name"])


def test_invalid_list_query_is_not_saved(member_client: Client, project: Project) -> None:
    response = member_client.post(URL, {"name": "X", "query": "status=faild"}, follow=True)
    assert Page(response).status().text.startswith("The view was not saved: status: unknown value")
    assert not SavedView.objects.exists()


def test_viewer_opens_but_cannot_save_views(client: Client, project: Project, member: User) -> None:
    view = make_saved_view(project, member, "Failing", shared=True, query="status:failed")
    client.force_login(factories.make_user(project, role="viewer"))
    assert tab_names(client) == ["All runs", "Failing"]
    assert client.get(f"{URL}{view.pk}/").status_code == 302
    page = Page(client.get(LIST))
    assert page.has("button", "Views")
    assert not page.has("button", "Save new view")
    for url in (URL, f"{URL}{view.pk}/edit", f"{URL}{view.pk}/replace", f"{URL}{view.pk}/delete"):
        assert client.post(url, {"name": "X", "query": ""}).status_code == 403


# tabs


def test_tab_of_shown_list_is_current_tab(member_client: Client, project: Project, member: User) -> None:
    assert tab_names(member_client) == []
    failing = make_saved_view(project, member, "Failing", query="status:failed")
    make_saved_view(project, member, "Slow", query="duration:>30s", sort="-duration")
    assert tab_names(member_client) == ["All runs", "Failing", "Slow"]
    assert current_tab(member_client, LIST) == "All runs"
    assert current_tab(member_client, f"{LIST}?status=failed") == "Failing"
    assert current_tab(member_client, f"{LIST}?q=status:failed") == "Failing"
    assert current_tab(member_client, f"{LIST}?q=duration:>30s&sort=-duration") == "Slow"
    assert current_tab(member_client, f"{LIST}?q=duration:>30s") == ""
    assert current_tab(member_client, f"{LIST}?status=expired&view={failing.pk}") == "Failing"


def test_changed_view_can_be_replaced(member_client: Client, project: Project, member: User) -> None:
    view = make_saved_view(project, member, "Failing", query="status:failed")
    assert not Page(member_client.get(f"{LIST}?status=failed&view={view.pk}")).has("button", "Replace “Failing”")
    page = Page(member_client.get(f"{LIST}?status=expired&view={view.pk}"))
    assert page.button("Replace “Failing”").get("formaction") == f"{URL}{view.pk}/replace"
    response = member_client.post(f"{URL}{view.pk}/replace", {"query": f"status=expired&view={view.pk}", "name": ""})
    assert response["Location"] == f"{LIST}?status=expired&view={view.pk}"
    view.refresh_from_db()
    assert (view.name, view.query) == ("Failing", "status:expired")


def test_every_link_keeps_the_view(member_client: Client, project: Project, member: User) -> None:
    view = make_saved_view(project, member, "Done", query="status:completed", columns=["model"])
    page = Page(member_client.get(f"{LIST}?status=completed&columns=model&view={view.pk}"))
    assert page.table(re.compile("^Runs")).columns == ["Select", "Status", "Created", "Run", "Model", "Error"]
    assert ("view", str(view.pk)) in page.form("Runs").values
    polls = [element.get("hx-get") or "" for element in page.iterate() if element.get("id") == "new-runs"]
    assert [poll.partition("&after=")[0] for poll in polls] == [
        f"/p/default/new-runs/?status=completed&columns=model&view={view.pk}"
    ]
    assert page.link("Clear filters").url == LIST  # it also closes the view
    assert page.link("CSV, a table").url == "/p/default/runs.csv?status=completed"


def test_fragment_names_the_current_tab(member_client: Client, project: Project, member: User) -> None:
    view = make_saved_view(project, member, "Failing", query="status:failed")
    fragment = Page(member_client.get(f"{LIST}?status=failed", headers=SWAP))
    (state,) = (element for element in fragment.iterate(hidden=True) if element.get("id") == "list-state")
    assert state.get("data-view") == str(view.pk)


def test_saved_views_cost_one_query(member_client: Client, project: Project, member: User) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as captured:
            member_client.get(f"{LIST}?view=all")
        return len(captured)

    count()
    none = count()
    for number in range(5):
        make_saved_view(project, member, f"View {number}", query=f"metadata.n:{number}", shared=number % 2 == 0)
    assert count() == none


def test_counts_load_separately_and_are_capped(
    member_client: Client, project: Project, member: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    factories.post(project, *(factories.failed_run() for _ in range(3)))
    failing = make_saved_view(project, member, "Failing", query="status:failed")
    rest = make_saved_view(project, member, "Rest", query="-status:failed")
    create_invalid_view(project, member)
    (counts_url,) = re.findall(rf'hx-get="({URL}counts\?state=3-\d+)"', member_client.get(LIST).content.decode())
    response = member_client.get(counts_url)
    assert response["Cache-Control"] == "private, max-age=60"
    counts = {element.get("id"): element.text for element in Page(response).iterate()}
    assert counts == {f"view-count-{failing.pk}": "3", f"view-count-{rest.pk}": "1"}
    monkeypatch.setattr(tabs, "MAX_COUNT", 2)
    monkeypatch.setattr(tabs, "MAX_COUNTED_VIEWS", 1)
    assert Page(member_client.get(f"{URL}counts")).text == "2+"
    monkeypatch.setattr(tabs, "TOTAL_COUNT_TIMEOUT_SECONDS", 0)
    assert Page(member_client.get(f"{URL}counts")).text == ""
    assert member_client.get(f"{URL}counts?stat=1").status_code == 400


# the default


def test_bare_list_redirects_to_default_view(member_client: Client, project: Project, member: User) -> None:
    view = make_saved_view(project, member, "Production", query="metadata.env:prod", shared=True, default=True)
    response = member_client.get(LIST)
    assert (response.status_code, response["Location"]) == (302, f"{LIST}?q=metadata.env%3Aprod&view={view.pk}")
    page = Page(member_client.get(response["Location"]))
    assert page.link("All runs").url == f"{LIST}?view=all"
    assert page.link("Clear filters").url == f"{LIST}?view=all"
    assert current_tab(member_client, f"{LIST}?view=all") == "All runs"
    page = Page(member_client.get(f"{LIST}?status=completed"))
    assert page.link("Remove status:completed").url == f"{LIST}?view=all"
    assert ("view", "all") in page.form("Runs").values


def test_administrator_sets_the_default_view(admin_client: Client, member_client: Client, project: Project) -> None:
    member_client.post(URL, {"name": "Mine", "query": "", "shared": "on", "default": "on"})
    assert not SavedView.objects.get().is_default
    assert not Page(member_client.get(f"{LIST}?view=all")).has("checkbox", "Default view for everyone")
    assert Page(admin_client.get(f"{LIST}?view=all")).has("checkbox", "Default view for everyone")
    admin_client.post(URL, {"name": "Production", "query": "status=failed", "shared": "on", "default": "on"})
    assert SavedView.objects.defaults().get().name == "Production"


def test_member_edit_keeps_view_the_default(member_client: Client, project: Project, member: User) -> None:
    view = make_saved_view(project, member, "Production", shared=True, default=True)
    member_client.post(f"{URL}{view.pk}/edit", {"name": "Live", "query": "metadata.env:prod", "shared": "on"})
    view.refresh_from_db()
    assert (view.name, view.query, view.is_default) == ("Live", "metadata.env:prod", True)
    response = member_client.post(f"{URL}{view.pk}/edit", {"name": "Live", "query": ""})
    assert response.status_code == 422


# permalinks and invalid views


def test_permalink_redirects_to_current_query(
    member_client: Client, client: Client, project: Project, member: User
) -> None:
    shared = make_saved_view(project, member, "Failing", query="status:failed", shared=True, columns=["model"])
    mine = make_saved_view(project, member, "Mine")
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
    view = create_invalid_view(project, member, shared=True)
    tab = Page(member_client.get(LIST)).link("Old invalid")
    assert tab.url == f"{URL}{view.pk}/"
    assert (tab.get("title") or "").startswith("q: column 1: unknown field")
    page = Page(member_client.get(tab.url))
    assert "The query of this view is no longer valid" in page.alert().text
    assert "unknown field 'gone'" in page.alert().text
    assert page.link("Edit view").url == f"{URL}{view.pk}/edit"
    assert "Invalid query:" in Page(member_client.get(URL)).table("Saved views").row("Old")["Query"].text
    page = Page(member_client.get(f"{URL}{view.pk}/edit"))
    assert page.field("Query").value == "gone:x"
    assert "unknown field" in page.alert().text
    response = member_client.post(f"{URL}{view.pk}/edit", {"name": "Old", "query": "gone:y", "shared": "on"})
    assert response.status_code == 422
    assert Page(response).field("Query").value == "gone:y"
    response = member_client.post(f"{URL}{view.pk}/edit", {"name": "New", "query": "status:failed", "shared": "on"})
    assert response["Location"] == f"{LIST}?status=failed&view={view.pk}"
    client.force_login(factories.make_user(project, role="viewer"))
    other = create_invalid_view(project, member, shared=True)
    assert not Page(client.get(f"{URL}{other.pk}/")).has("link", "Edit view")


def test_broken_default_view_shows_its_problem(member_client: Client, project: Project, member: User) -> None:
    view = create_invalid_view(project, member, shared=True, is_default=True)
    assert member_client.get(LIST)["Location"] == f"{URL}{view.pk}/"
    assert Page(member_client.get(f"{URL}{view.pk}/")).link("Show all runs").url == f"{LIST}?view=all"
    assert member_client.get(f"{LIST}?view=all").status_code == 200


def test_removed_columns_are_named_and_skipped(member_client: Client, project: Project, member: User) -> None:
    view = make_saved_view(project, member, "Models", columns=["model", "vintage"])
    assert member_client.get(f"{URL}{view.pk}/")["Location"] == f"{LIST}?columns=model&view={view.pk}"
    assert "Columns that no longer exist: vintage" in Page(member_client.get(URL)).text
    assert "no longer available: vintage" in Page(member_client.get(f"{URL}{view.pk}/edit")).text


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("columns=modle", "unknown column 'modle'; did you mean 'model'?"),
        ("columns=", "unknown column ''"),
        ("view=x", "expected the number of a saved view, or all"),
        ("view=0", "expected the number of a saved view, or all"),
    ],
)
def test_invalid_view_and_columns_are_rejected(
    member_client: Client, project: Project, query: str, message: str
) -> None:
    response = member_client.get(f"{LIST}?{query}")
    assert response.status_code == 400
    assert message in Page(response).alert().text


def test_out_of_range_view_number_gets_404(member_client: Client, project: Project) -> None:
    assert member_client.get(f"{URL}{10**30}/").status_code == 404


def test_deleted_view_url_still_lists_runs(member_client: Client, project: Project) -> None:
    assert member_client.get(f"{LIST}?status=failed&view=999").status_code == 200


# the page of all views


def test_view_list_shows_each_query(member_client: Client, project: Project, member: User) -> None:
    assert Page(member_client.get(URL)).has("heading", "No views yet")
    other = factories.make_user(project, name="otto")
    theirs = make_saved_view(project, other, "Failing", query="status:failed", shared=True)
    mine = make_saved_view(project, member, "Dear", query="cost:>1", sort="-cost")
    table = Page(member_client.get(URL)).table("Saved views")
    shared_row, own_row = table.row("Failing"), table.row("Dear")
    assert (shared_row["Query"].text, shared_row["Visibility"].text) == ("status:failed", "everyone")
    assert "otto" in shared_row["Owner"].text
    assert not shared_row["Actions"].has("link")
    assert (own_row["Order"].text, own_row["Visibility"].text) == ("most expensive first", "only you")
    assert own_row["Actions"].link().url == f"{URL}{mine.pk}/edit"
    assert member_client.get(f"{URL}{theirs.pk}/edit").status_code == 403


def test_owner_or_administrator_deletes_view(
    member_client: Client, admin_client: Client, project: Project, member: User
) -> None:
    mine, shared = make_saved_view(project, member, "Mine"), make_saved_view(project, member, "Ours", shared=True)
    assert admin_client.post(f"{URL}{mine.pk}/delete").status_code == 404
    assert admin_client.post(f"{URL}{shared.pk}/delete")["Location"] == URL
    response = member_client.post(f"{URL}{mine.pk}/delete", follow=True)
    assert Page(response).status().text == "Deleted the view “Mine”."
    assert not SavedView.objects.exists()


def test_edit_keeps_or_drops_columns(member_client: Client, project: Project, member: User) -> None:
    view = make_saved_view(project, member, "Models", columns=["model"])
    posted = {"name": "Models", "query": "", "sort": "-created", "keep_columns": "on"}
    member_client.post(f"{URL}{view.pk}/edit", posted)
    view.refresh_from_db()
    assert (view.columns, view.sort) == (["model"], "")
    member_client.post(f"{URL}{view.pk}/edit", {"name": "Models", "query": "", "sort": "cost"})
    view.refresh_from_db()
    assert (view.columns, view.sort) == (None, "cost")


def test_view_query_is_parsed_once(project: Project, member: User) -> None:
    view = make_saved_view(project, member, "Failing", query="status:failed")
    first, second = (SavedViewTab.build(view, project) for _ in range(2))
    assert first.state is not None
    assert second.state is not None
    assert first.state.filters is second.state.filters
