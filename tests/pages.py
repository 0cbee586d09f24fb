"""Read a rendered page as a person does: by role, accessible name and text.

    page = Page(client.get(url))         # a response, or HTML
    page.title                           # the title of the document
    page.text                            # the text of <main>, or of a fragment, with white space collapsed
    page.main                            # the element <main>

Every finder exists on the page and on each element that a finder returns, so that a test can narrow its search. Its
argument is an accessible name: a string must equal it, a pattern of `re.compile` may match any part of it. A finder
returns the first match. If there is none, it fails and lists the names that exist.

    page.link("Failed runs").url         # href
    page.button("Create key")            # also <summary>
    page.heading("Runs")
    page.field("Name").value             # by its label; also .is_checked, .options
    page.form("Errors").values           # (name, value) of every control, as a browser would send them
    page.navigation("Main").link("Runs").is_current
    page.region("Newest runs")           # a <section> by its heading, or role=region by its label
    page.definition("Last seen").text    # the <dd> of a <dt>
    page.image("Runs over time")         # role=img
    page.alert(), page.status()          # role=alert, role=status; they need no name

    table = page.table("Runs")           # by its label or caption, or by the name of a region around it
    table.columns                        # ["Run", "Status", …], without the arrow of a sorted column
    table.sorted_by                      # ("Created", "descending"), or None
    table.rows[0]["Status"].text         # a cell by its column
    table.row("run_1")["Status"].text    # the first row that contains a text

    page.has("button", "Delete")         # whether there is one
    page.names("link")                   # the accessible names of all elements of a role
    page.find("cell", "failed")          # any other role; also page.find_all("row")

An element has `.text`, `.name` (its accessible name), `.role`, `.is_current`, `.is_disabled`, `.is_open`, and
`.get("data-…")` for an attribute that matters to a script but not to a person.

Hidden content (`hidden`, a closed <dialog>, <template>) is neither found nor part of a text, unless `hidden=True` is
passed to `find`, `find_all`, `has` or `names`. The content of a closed <details> counts as visible.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser

from django.http import HttpResponse, HttpResponseBase

Name = str | re.Pattern[str] | None

VOID_TAGS = frozenset(
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"]
)
INLINE_TAGS = frozenset(
    [
        "a",
        "abbr",
        "b",
        "bdi",
        "code",
        "em",
        "i",
        "kbd",
        "mark",
        "q",
        "s",
        "samp",
        "small",
        "span",
        "strong",
        "sub",
        "sup",
        "time",
        "u",
        "use",
        "var",
        "wbr",
    ]
)
TEXTLESS_TAGS = frozenset(["script", "style", "template"])
FIELD_ROLES = frozenset(["textbox", "searchbox", "checkbox", "radio", "spinbutton", "combobox", "listbox"])
ROLES = {
    "article": "article",
    "aside": "complementary",
    "button": "button",
    "caption": "caption",
    "code": "code",
    "dd": "definition",
    "details": "group",
    "dialog": "dialog",
    "dt": "term",
    "fieldset": "group",
    "figure": "figure",
    "footer": "contentinfo",
    "form": "form",
    "h1": "heading",
    "h2": "heading",
    "h3": "heading",
    "h4": "heading",
    "header": "banner",
    "li": "listitem",
    "main": "main",
    "mark": "mark",
    "nav": "navigation",
    "ol": "list",
    "option": "option",
    "p": "paragraph",
    "section": "region",
    "select": "combobox",
    "summary": "button",
    "table": "table",
    "tbody": "rowgroup",
    "td": "cell",
    "textarea": "textbox",
    "tfoot": "rowgroup",
    "thead": "rowgroup",
    "time": "time",
    "tr": "row",
    "ul": "list",
}
INPUT_ROLES = {
    "button": "button",
    "checkbox": "checkbox",
    "hidden": "",
    "number": "spinbutton",
    "radio": "radio",
    "range": "slider",
    "search": "searchbox",
    "submit": "button",
}


class Element:
    """An element of a page, and the finders for what is inside it."""

    def __init__(self, tag: str, attributes: dict[str, str], parent: Element | None) -> None:
        self.tag = tag
        self.attributes = attributes
        self.parent = parent
        self.children: list[Element | str] = []

    def __repr__(self) -> str:
        return f"<{self.tag} {self.role or 'without a role'} {self.text[:60]!r}>"

    # Properties

    @property
    def role(self) -> str:
        """The ARIA role, explicit or implied by the tag; empty where there is none."""
        if "role" in self.attributes:
            return self.attributes["role"]
        if self.tag == "a":
            return "link" if "href" in self.attributes else ""
        if self.tag == "input":
            return INPUT_ROLES.get(self.attributes.get("type", "text"), "textbox")
        if self.tag == "th":
            return "rowheader" if self.attributes.get("scope") == "row" else "columnheader"
        if self.tag == "img":
            return "img"
        return ROLES.get(self.tag, "")

    @property
    def text(self) -> str:
        """The visible text, with white space collapsed."""
        return _collapse("".join(self._text_pieces(for_name=False)))

    @property
    def raw_text(self) -> str:
        """The visible text with its white space as sent, for <pre>."""
        return "".join(self._text_pieces(for_name=False, separator=""))

    @property
    def name(self) -> str:
        """The accessible name: a label, or the text where the role is named by its content."""
        if label := self.attributes.get("aria-label"):
            return _collapse(label)
        if ids := self.attributes.get("aria-labelledby", "").split():
            return _collapse(
                " ".join(element.text for element in self._root.iterate(hidden=True) if element.get("id") in ids)
            )
        if self.role in FIELD_ROLES:
            return self._label
        if self.tag == "input":
            return self.attributes.get("value", "")
        if self.role == "img":
            return self.attributes.get("alt", "")
        if self.role == "table":
            return next(iter(_table_names(self)), "")
        if self.role == "figure":
            captions = [element.text for element in self.iterate() if element.tag == "figcaption"]
            return captions[0] if captions else ""
        if self.role in ("region", "group", "dialog"):
            headings = [
                element.text for element in self.iterate() if element.role == "heading" or element.tag == "legend"
            ]
            return headings[0] if headings else ""
        if self.role in ("form", "search", "navigation", "banner", "main", "list"):
            return ""
        return _collapse("".join(self._text_pieces(for_name=True))) or self.attributes.get("title", "")

    @property
    def url(self) -> str:
        """Target of a link, or of a form."""
        return self.attributes["action" if self.tag == "form" else "href"]

    @property
    def is_current(self) -> bool:
        return self.attributes.get("aria-current", "false") != "false"

    @property
    def is_disabled(self) -> bool:
        return "disabled" in self.attributes

    @property
    def is_open(self) -> bool:
        return "open" in self.attributes

    @property
    def is_hidden(self) -> bool:
        """Return whether this element, apart from its ancestors, is not rendered."""
        return "hidden" in self.attributes or (self.tag == "dialog" and not self.is_open) or self.tag in TEXTLESS_TAGS

    def get(self, attribute: str) -> str | None:
        """Return the value of an attribute; None where it is absent."""
        return self.attributes.get(attribute)

    # Form controls

    @property
    def value(self) -> str:
        """The value of a field, as a browser would send it."""
        if self.tag == "select":
            options = [element for element in self.iterate(hidden=True) if element.tag == "option"]
            selected = next(
                (element for element in options if "selected" in element.attributes), options[0] if options else None
            )
            return selected.value if selected else ""
        if self.tag == "textarea":
            return self.raw_text.removeprefix("\n")
        if self.tag == "option":
            return self.attributes.get("value", self.text)
        return self.attributes.get("value", "on" if self.role in ("checkbox", "radio") else "")

    @property
    def is_checked(self) -> bool:
        return "checked" in self.attributes

    @property
    def options(self) -> list[str]:
        """The texts of the options of a select."""
        return [element.text for element in self.iterate(hidden=True) if element.tag == "option"]

    @property
    def values(self) -> list[tuple[str, str]]:
        """The (name, value) pairs that a browser would send for a form, without those of its buttons."""
        return [
            (element.attributes["name"], element.value)
            for element in self.iterate(hidden=True)
            if element.tag in ("input", "select", "textarea")
            and "name" in element.attributes
            and not element.is_disabled
            and element.role != "button"
            and (element.role not in ("checkbox", "radio") or element.is_checked)
        ]

    # Finders

    def find_all(self, role: str, name: Name = None, *, hidden: bool = False) -> list[Element]:
        """Return the elements of a role inside this one, in document order."""
        return [
            element for element in self.iterate(hidden=hidden) if element.role == role and _matches(name, element.name)
        ]

    def find(self, role: str, name: Name = None, *, hidden: bool = False) -> Element:
        """Return the first element of a role. Raises AssertionError where there is none."""
        matches = self.find_all(role, name, hidden=hidden)
        return matches[0] if matches else self._fail(role, name, self.names(role, hidden=hidden))

    def has(self, role: str, name: Name = None, *, hidden: bool = False) -> bool:
        """Return whether there is an element of that role and name."""
        return bool(self.find_all(role, name, hidden=hidden))

    def names(self, role: str, *, hidden: bool = False) -> list[str]:
        """Return the accessible names of all elements of a role."""
        return [element.name for element in self.find_all(role, hidden=hidden)]

    def link(self, name: Name = None) -> Element:
        """Return a link."""
        return self.find("link", name)

    def button(self, name: Name = None) -> Element:
        """Return a button, or the <summary> of a <details>."""
        return self.find("button", name)

    def heading(self, name: Name = None) -> Element:
        """Return a heading of any level."""
        return self.find("heading", name)

    def navigation(self, name: Name = None) -> Element:
        """Return a <nav>."""
        return self.find("navigation", name)

    def region(self, name: Name = None) -> Element:
        """Return a <section>, or an element of role `region`."""
        return self.find("region", name)

    def image(self, name: Name = None) -> Element:
        """Return an image."""
        return self.find("img", name)

    def alert(self, name: Name = None) -> Element:
        """Return an element of role `alert`."""
        return self.find("alert", name)

    def status(self, name: Name = None) -> Element:
        """Return an element of role `status`."""
        return self.find("status", name)

    def dialog(self, name: Name = None) -> Element:
        """Return a dialog, open or not."""
        return self.find("dialog", name, hidden=True)

    def form(self, name: Name = None) -> Element:
        """Return a form, of role `form` or `search`, by its label or by the text of its submit button."""
        forms = [element for element in self.iterate() if element.tag == "form"]
        for form in forms:
            if any(_matches(name, candidate) for candidate in (form.name, *form.names("button"))):
                return form
        return self._fail("form", name, [form.name or "/".join(form.names("button")) for form in forms])

    def field(self, label: Name = None) -> Element:
        """Return a form control by its label."""
        fields = [element for element in self.iterate() if element.role in FIELD_ROLES]
        for field in fields:
            if _matches(label, field.name):
                return field
        return self._fail("field", label, [field.name for field in fields])

    def definition(self, term: Name) -> Element:
        """Return the description (<dd>) of a term (<dt>)."""
        terms = self.find_all("term")
        for element in terms:
            if _matches(term, element.text) and element.parent is not None:
                siblings = [child for child in element.parent.children if isinstance(child, Element)]
                return next(child for child in siblings[siblings.index(element) :] if child.tag == "dd")
        return self._fail("term", term, [element.text for element in terms])

    def table(self, name: Name = None) -> Table:
        """Return a table by its own label, its caption, or the name of the region around it."""
        tables = [element for element in self.iterate() if element.tag == "table"]
        for table in tables:
            if any(_matches(name, candidate) for candidate in _table_names(table)):
                return Table(table)
        return self._fail("table", name, [" / ".join(_table_names(table)) for table in tables])

    def iterate(self, *, hidden: bool = False) -> Iterator[Element]:
        """Yield every element inside this one, in document order."""
        for child in self.children:
            if isinstance(child, Element) and (hidden or not child.is_hidden):
                yield child
                yield from child.iterate(hidden=hidden)

    # Internals

    @property
    def _root(self) -> Element:
        return self if self.parent is None else self.parent._root

    @property
    def _label(self) -> str:
        """The text of the field's <label>, without that of the field itself."""
        label = self.parent
        while label is not None and label.tag != "label":
            label = label.parent
        if label is None and (own_id := self.attributes.get("id")):
            labels = (
                element for element in self._root.iterate() if element.tag == "label" and element.get("for") == own_id
            )
            label = next(labels, None)
        if label is not None:
            return _collapse("".join(label._text_pieces(for_name=True, without=self)))
        return self.attributes.get("title", "") or self.attributes.get("placeholder", "")

    def _text_pieces(self, *, for_name: bool, separator: str = " ", without: Element | None = None) -> Iterator[str]:
        for child in self.children:
            if isinstance(child, str):
                yield child
                continue
            if child is without or child.is_hidden or (child.tag == "title" and self.tag != "head"):
                continue
            if for_name and child.get("aria-hidden") == "true":
                continue
            edge = "" if child.tag in INLINE_TAGS else separator
            yield edge
            if for_name and child.get("aria-label"):
                yield child.attributes["aria-label"]
            else:
                yield from child._text_pieces(for_name=for_name, separator=separator, without=without)
            yield edge

    def _fail(self, role: str, name: Name, names: list[str]) -> Element:
        named = "" if name is None else f" named {name.pattern if isinstance(name, re.Pattern) else name!r}"
        existing = ", ".join(map(repr, names)) or "none"
        raise AssertionError(f"there is no {role}{named}; there are: {existing}")


class Page(Element):
    """A whole page or a fragment of one, parsed from a response or from HTML."""

    def __init__(self, source: HttpResponseBase | str) -> None:
        super().__init__("#document", {}, None)
        if isinstance(source, HttpResponseBase):
            assert isinstance(source, HttpResponse), "a streamed response is not a page"
            source = source.content.decode(source.charset)
        _Parser(self).read(source)

    @property
    def title(self) -> str:
        """The title of the document."""
        titles = [element.text for element in self.iterate() if element.tag == "title"]
        return titles[0] if titles else ""

    @property
    def main(self) -> Element:
        """The main content: <main>, or the whole of a fragment."""
        return next((element for element in self.iterate() if element.tag == "main"), self)

    @property
    def text(self) -> str:
        """The visible text of the main content."""
        return super().text if self.main is self else self.main.text


class Table:
    """A table, read by rows and columns."""

    def __init__(self, element: Element) -> None:
        self.element = element

    @property
    def columns(self) -> list[str]:
        """The headings of the columns, without the arrow of the one that the table is sorted by."""
        return [_heading_text(cell) for cell in self._heading_cells]

    @property
    def sorted_by(self) -> tuple[str, str] | None:
        """The column that the table is sorted by, and the direction: `ascending` or `descending`."""
        sorted_cells = [cell for cell in self._heading_cells if cell.get("aria-sort") not in (None, "none")]
        return (_heading_text(sorted_cells[0]), sorted_cells[0].attributes["aria-sort"]) if sorted_cells else None

    def column(self, heading: str) -> Element:
        """Return the heading cell of a column."""
        return self._heading_cells[self._index(heading)]

    @property
    def rows(self) -> list[Row]:
        """The rows of the body."""
        rows = [row for row in self.element.find_all("row") if row.parent is None or row.parent.tag != "thead"]
        return [Row(self, row) for row in rows]

    def row(self, text: str) -> Row:
        """Return the first row that contains a text, in the visible one or in a `title`."""
        for row in self.rows:
            titles = [element.get("title") or "" for element in row.element.iterate()]
            if text in row.text or text in titles:
                return row
        raise AssertionError(f"no row contains {text!r}; the rows are: {[row.text for row in self.rows]}")

    def cells(self, heading: str) -> list[str]:
        """Return the texts of a column."""
        return [row[heading].text for row in self.rows]

    @property
    def _heading_cells(self) -> list[Element]:
        head = next((element for element in self.element.iterate() if element.tag == "thead"), None)
        return [cell for row in head.find_all("row") for cell in _cells(row)] if head else []

    def _index(self, heading: str) -> int:
        if heading not in self.columns:
            raise AssertionError(f"there is no column {heading!r}; the columns are: {self.columns}")
        return self.columns.index(heading)


class Row:
    """A row of a table."""

    def __init__(self, table: Table, element: Element) -> None:
        self.table = table
        self.element = element

    def __getitem__(self, column: str) -> Element:
        """Return the cell of a column, by its heading."""
        return self.cells[self.table._index(column)]

    @property
    def cells(self) -> list[Element]:
        return _cells(self.element)

    @property
    def text(self) -> str:
        return self.element.text

    def link(self, name: Name = None) -> Element:
        return self.element.link(name)

    def button(self, name: Name = None) -> Element:
        return self.element.button(name)

    def field(self, label: Name = None) -> Element:
        return self.element.field(label)


class _Parser(HTMLParser):
    """Builds the tree of elements. Every tag has to be closed, void ones aside."""

    def __init__(self, root: Element) -> None:
        super().__init__(convert_charrefs=True)
        self._current = root

    def read(self, html: str) -> None:
        root = self._current
        self.feed(html)
        self.close()
        assert self._current is root, f"<{self._current.tag}> is not closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs}, self._current)
        self._current.children.append(element)
        if tag not in VOID_TAGS:
            self._current = element

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._current.children.append(Element(tag, {name: value or "" for name, value in attrs}, self._current))

    def handle_endtag(self, tag: str) -> None:
        assert tag == self._current.tag, f"</{tag}> closes <{self._current.tag}>"
        assert self._current.parent is not None
        self._current = self._current.parent

    def handle_data(self, data: str) -> None:
        self._current.children.append(data)


def _collapse(text: str) -> str:
    return " ".join(text.split())


def _matches(expected: Name, name: str) -> bool:
    if isinstance(expected, re.Pattern):
        return expected.search(name) is not None
    return expected is None or expected == name


def _cells(row: Element) -> list[Element]:
    return [child for child in row.children if isinstance(child, Element) and child.tag in ("td", "th")]


def _heading_text(cell: Element) -> str:
    return cell.text.rstrip("↑↓ ")


def _table_names(table: Element) -> list[str]:
    """Return the caption of a table, then the names of the regions around it, the nearest first."""
    captions = [element.text for element in table.iterate() if element.tag == "caption"]
    names = [table.get("aria-label") or "", *captions]
    ancestor = table.parent
    while ancestor is not None:
        if ancestor.role == "region" or ancestor.tag == "figure":
            names.append(ancestor.name)
        ancestor = ancestor.parent
    return [name for name in dict.fromkeys(names) if name]
