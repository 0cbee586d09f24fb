"""Tests of the helper through which page tests read a listing."""

from __future__ import annotations

import re

import pytest
from django.http import HttpResponse

from tests.pages import Page

LIST = """
<title>Runs · Runglass</title>
<nav aria-label="Main"><a href="/runs/" aria-current="page">Runs</a><a href="/errors/">Errors</a></nav>
<main>
  <h1>Runs</h1>
  <dialog aria-label="Keys"><p>Shortcuts</p></dialog>
  <form role="search" aria-label="Runs" action="/runs/">
    <input type="hidden" name="sort" value="cost">
    <label>Query <input type="search" name="q" value="status:failed"></label>
    <label for="model">Model</label>
    <select id="model" name="model"><option>gpt-4o</option><option selected value="o3">O3</option></select>
    <label><input type="checkbox" name="live" checked> Live</label>
    <label><input type="checkbox" name="off"> Off</label>
    <button type="submit">Search</button>
  </form>
  <div role="region" aria-label="All runs"><table>
    <thead><tr><th>Run</th><th aria-sort="descending"><a href="?sort=cost">Cost ↓</a></th></tr></thead>
    <tbody>
      <tr><th scope="row"><a href="/runs/run_1/" title="run_1">run…1</a></th><td><b>$1</b><br>estimated</td></tr>
      <tr><th scope="row">run_2</th><td><svg role="img" aria-label="rising"><title>up</title></svg></td></tr>
    </tbody>
  </table></div>
  <section><h2>Facts</h2>
  <dl><dt>Last seen</dt><dd>2 h ago</dd><dt>Runs</dt><dd><a href="/x">5</a> of 7</dd></dl></section>
  <p role="alert">Nothing <em>was</em> changed.</p>
  <p hidden>Secret</p>
  <button aria-label="Copy run id"><kbd aria-hidden="true">c</kbd></button>
  <button><span aria-hidden="true">x</span> Close</button>
</main>
"""


@pytest.fixture
def listing() -> Page:
    return Page(LIST)


def test_text_is_that_of_main(listing: Page) -> None:
    assert listing.title == "Runs · Runglass"
    assert listing.text.startswith("Runs Query Model gpt-4o O3 Live Off Search")
    assert "Nothing was changed." in listing.text
    assert "Errors" not in listing.text


def test_hidden_content_is_not_seen(listing: Page) -> None:
    assert "Secret" not in listing.text
    assert "Shortcuts" not in listing.text
    assert listing.dialog("Keys").text == "Shortcuts"
    assert listing.has("paragraph", "Secret", hidden=True)


def test_links_are_found_by_name(listing: Page) -> None:
    assert listing.link("Errors").url == "/errors/"
    assert listing.navigation("Main").link("Runs").is_current
    assert not listing.link("Errors").is_current
    assert listing.link(re.compile("^Err")).text == "Errors"


def test_missing_element_names_what_exists(listing: Page) -> None:
    with pytest.raises(AssertionError, match="there is no heading named 'Threads'; there are: 'Runs', 'Facts'"):
        listing.heading("Threads")
    with pytest.raises(AssertionError, match="no row contains 'run_3'"):
        listing.table().row("run_3")
    with pytest.raises(AssertionError, match="there is no column 'Price'"):
        listing.table().rows[0]["Price"]


def test_names_leave_out_decoration(listing: Page) -> None:
    assert listing.names("button") == ["Search", "Copy run id", "Close"]
    assert listing.has("button", "Close")
    assert not listing.has("button", "Delete")


def test_table_is_read_by_columns(listing: Page) -> None:
    assert listing.has("table", "All runs")
    table = listing.table("All runs")
    assert table.columns == ["Run", "Cost"]
    assert table.sorted_by == ("Cost", "descending")
    assert table.column("Cost").link().url == "?sort=cost"
    assert table.row("run_1")["Cost"].text == "$1 estimated"
    assert table.row("run_2")["Cost"].image("rising")
    assert table.cells("Run") == ["run…1", "run_2"]


def test_fields_are_found_by_label(listing: Page) -> None:
    assert listing.field("Query").value == "status:failed"
    assert listing.field("Model").value == "o3"
    assert listing.field("Model").options == ["gpt-4o", "O3"]
    assert listing.field("Live").is_checked
    assert not listing.field("Off").is_checked


def test_form_knows_what_it_sends(listing: Page) -> None:
    form = listing.form("Runs")
    assert form.url == "/runs/"
    assert form.values == [("sort", "cost"), ("q", "status:failed"), ("model", "o3"), ("live", "on")]
    assert listing.form("Search").url == "/runs/"


def test_descriptions_are_found_by_term(listing: Page) -> None:
    facts = listing.region("Facts")
    assert facts.definition("Last seen").text == "2 h ago"
    assert facts.definition("Runs").link("5").url == "/x"


def test_alert_needs_no_name(listing: Page) -> None:
    assert listing.alert().text == "Nothing was changed."
    assert not listing.has("status")


def test_fragment_has_no_main() -> None:
    fragment = Page(HttpResponse("<tr><td>é</td></tr>", charset="latin-1"))
    assert fragment.text == "é"


def test_wrong_nesting_is_an_error() -> None:
    with pytest.raises(AssertionError, match="</b> closes <i>"):
        Page("<b><i></b></i>")
    with pytest.raises(AssertionError, match="<p> is not closed"):
        Page("<p>")
