"""The keyboard shortcuts of the site: the one list of which attributes of elements and the keyboard help are made.

Scripts handle keys by these attributes, or by name; a test holds both against this list.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter

# What keyboards print on keys, by `KeyboardEvent.key`.
_KEY_LABELS = {
    " ": "Space",
    "Escape": "Esc",
    "ArrowUp": "↑",
    "ArrowDown": "↓",
    "ArrowLeft": "←",
    "ArrowRight": "→",
    "Control+k": "Ctrl k",
}


@dataclass(frozen=True, slots=True)
class Shortcut:
    """Keys that do the same, or the opposite.

    Attributes:
        group: the heading that it is listed under.
        keys: values of `KeyboardEvent.key`, or sequences of them such as "g r".
        label: what they do.
        needs: the selector of an element without which they do nothing; empty if they work on every page.
        name: the name that templates give it, if it activates an element that they mark with it.
    """

    group: str
    keys: tuple[str, ...]
    label: str
    needs: str = ""
    name: str = ""

    @property
    def key_labels(self) -> list[str]:
        """The keys as the help prints them."""
        return [_label_key(key) for key in self.keys]

    @property
    def selector(self) -> str:
        """The selector of an element that the shortcut needs."""
        return self.needs or (f"[data-key='{self.keys[0]}']" if self.name else "")


_SITE, _ROWS, _RUNS, _GROUPS = "Everywhere", "Lists", "Runs", "Error groups"
_RUN, _TIMELINE, _QUERY, _COLUMNS = "Run", "Timeline", "Query field", "Edge of a column"

SHORTCUTS = (
    Shortcut(_SITE, ("?",), "Show this list"),
    Shortcut(_SITE, ("Control+k",), "Jump to a run, page, view or action", "#palette"),
    Shortcut(_SITE, ("/",), "Focus the query", name="query"),
    Shortcut(_SITE, ("g r",), "Runs", name="runs"),
    Shortcut(_SITE, ("g t",), "Threads", name="threads"),
    Shortcut(_SITE, ("g a",), "Assistants", name="assistants"),
    Shortcut(_SITE, ("g e",), "Errors", name="errors"),
    Shortcut(_SITE, ("g o",), "Tools", name="tools"),
    Shortcut(_SITE, ("g w",), "Actions", name="actions"),
    Shortcut(_SITE, ("g u",), "Usage", name="usage"),
    Shortcut(_SITE, ("g c",), "Connect", name="connect"),
    Shortcut(_SITE, ("Escape",), "Close a menu or the preview, clear the selection"),
    Shortcut(_ROWS, ("j", "k"), "Next, previous row", "#rows"),
    Shortcut(_ROWS, ("Enter",), "Open the row", "#rows"),
    Shortcut(_ROWS, ("x", "X"), "Select the row, or a range of rows", "#rows [type=checkbox]"),
    Shortcut(_ROWS, ("e",), "Export the selected rows, or all matches", name="export"),
    Shortcut(_RUNS, (" ",), "Preview the row, or close the preview", "#peek"),
    Shortcut(_RUNS, ("c",), "Compare the two selected runs", "#compare", name="compare"),
    Shortcut(_RUNS, ("l",), "Turn live updates on or off", name="live"),
    Shortcut(_RUNS, ("v",), "Mark the run, or the selected runs, as reviewed", name="review"),
    Shortcut(_RUNS, ("V",), "Mark them as not reviewed", name="unreview"),
    Shortcut(_GROUPS, ("r",), "Resolve the selected groups", name="resolved"),
    Shortcut(_GROUPS, ("i",), "Ignore the selected groups", name="ignored"),
    Shortcut(_GROUPS, ("o",), "Reopen the selected groups", name="open"),
    Shortcut(_GROUPS, ("a",), "Choose their assignee", name="assignee"),
    Shortcut(_GROUPS, ("m",), "Assign them to me", name="assign-me"),
    Shortcut(_RUN, ("j",), "Next run in the list", name="next-run"),
    Shortcut(_RUN, ("k",), "Previous run in the list", name="previous-run"),
    Shortcut(_RUN, ("[", "]"), "Previous, next run of the list or thread", "a[rel~=prev], a[rel~=next]"),
    Shortcut(_RUN, ("c",), "Copy the id", "[data-copy][data-key='c']", name="copy-id"),
    Shortcut(_RUN, ("Enter",), "Next match, with Shift the previous one", "#raw [name=find]"),
    Shortcut(_TIMELINE, ("ArrowUp", "ArrowDown"), "Previous, next row", ".wf"),
    Shortcut(_TIMELINE, ("ArrowRight", "ArrowLeft"), "Unfold, fold the row", ".wf"),
    Shortcut(_TIMELINE, ("Home", "End"), "First, last row", ".wf"),
    Shortcut(_TIMELINE, ("Enter", " "), "Show or hide the content", ".wf"),
    Shortcut(_QUERY, ("ArrowUp", "ArrowDown"), "Previous, next suggestion", "#q"),
    Shortcut(_QUERY, ("Enter", "Tab"), "Accept the suggestion", "#q"),
    Shortcut(_QUERY, ("Backspace",), "Edit the last term", "#q"),
    Shortcut(_COLUMNS, ("ArrowLeft", "ArrowRight"), "Narrower, wider; with Shift move the column", ".grip"),
    Shortcut(_COLUMNS, ("Enter",), "Fit the content", ".grip"),
)
KEYS_BY_NAME = {shortcut.name: shortcut.keys[0] for shortcut in SHORTCUTS if shortcut.name}
SHORTCUT_GROUPS = [(group, list(shortcuts)) for group, shortcuts in groupby(SHORTCUTS, attrgetter("group"))]


def _label_key(key: str) -> str:
    is_capital = len(key) == 1 and key.isupper()
    return f"Shift {key.lower()}" if is_capital else _KEY_LABELS.get(key, key)
