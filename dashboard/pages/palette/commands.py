"""The commands of the palette for a text. At most `MAX_PALETTE_QUERIES` queries, each limited to a few rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.urls import reverse

from dashboard.web.navigation import PageShell
from runs.models import Assistant, Membership, Project, Run, RunAlias, SavedView
from runs.query import RunFilters
from runs.query.fields import FIELDS_BY_NAME
from runs.query.operators import escape_like, format_value, quote_value

MAX_PALETTE_TEXT = 256  # characters
MAX_PER_KIND = 5
MIN_PREFIX_LENGTH = 4  # of ids; shorter ones match too many
MAX_PALETTE_QUERIES = 12
# Fields of the query language that find the run of an id.
_ID_FIELDS = ("step", "call")


@dataclass(frozen=True, slots=True)
class PaletteCommand:
    """An entry of the palette: its kind, such as `Run`, its label, and the URL that it opens.

    `action` names what a script does instead of opening a URL.
    """

    kind: str
    label: str
    url: str = ""
    action: str = ""


def find_palette_commands(shell: PageShell, project: Project, text: str) -> list[PaletteCommand]:
    """Return the commands for a text: objects with that id first, then names that contain all of its words."""
    words = text.lower().split()
    named = [command for command in _list_named(shell, project) if _contains_words(command, words)]
    commands = [*_find_objects(project, text), *named]
    return [*commands, _search_command(project, text)] if text else commands


def _find_objects(project: Project, text: str) -> Iterator[PaletteCommand]:
    """Yield the runs, threads and assistants that the text names."""
    if not text:
        return
    yield from _find_runs(project, text)
    if Run.objects.in_thread(project, text).exists():
        yield PaletteCommand("Thread", text, _url("thread", project, thread_id=text))
    names = Assistant.objects.names_like(project, f"%{escape_like(text)}%")
    if Run.objects.of_assistant(project, text).exists():
        names.setdefault(text, text)
    for assistant_id, name in list(names.items())[:MAX_PER_KIND]:
        yield PaletteCommand("Assistant", name, _url("assistant", project, assistant_id=assistant_id))


def _find_runs(project: Project, text: str) -> Iterator[PaletteCommand]:
    if run := RunAlias.objects.resolve_run(project, text):
        yield PaletteCommand("Run", run.external_id, _url("run", project, run_id=run.external_id))
        return
    if len(text) >= MIN_PREFIX_LENGTH:
        runs = Run.objects.in_project(project).with_id_prefix(text)
        for run_id in runs.values_list("external_id", flat=True)[:MAX_PER_KIND]:
            yield PaletteCommand("Run", run_id, _url("run", project, run_id=run_id))
    for name in _ID_FIELDS:
        if name in FIELDS_BY_NAME and " " not in text:
            runs = RunFilters.parse_query_text(f"{name}:{quote_value(text)}").apply(Run.objects.in_project(project))
            for run_id in runs.newest_first().values_list("external_id", flat=True)[:1]:
                yield PaletteCommand(f"Run of {name}", text, f"{_url('run', project, run_id=run_id)}#{text}")


def _list_named(shell: PageShell, project: Project) -> Iterator[PaletteCommand]:
    """Yield the pages, actions, views and projects that the user may see."""
    for link in shell.links:
        yield PaletteCommand("Page", link.label, link.url)
    yield PaletteCommand("Page", "Query syntax", _url("query-help", project))
    yield PaletteCommand("Page", "Saved views", _url("saved-views", project))
    yield from _list_actions(shell, project)
    for view in SavedView.objects.visible_to(shell.user, project)[:50]:
        yield PaletteCommand("View", view.name, _url("saved-view", project, number=view.pk))
    for other in shell.projects:
        if other != project:
            yield PaletteCommand("Project", other.name, reverse("runs", args=[other.slug]))


def _list_actions(shell: PageShell, project: Project) -> Iterator[PaletteCommand]:
    if shell.role == Membership.Role.ADMIN:
        yield PaletteCommand("Action", "Create API key", f"{_url('settings', project)}#api-keys")
        yield PaletteCommand("Page", "Prices", _url("prices", project))
        yield PaletteCommand("Page", "Retention", _url("retention", project))
        yield PaletteCommand("Page", "Audit log", _url("audit-log", project))
    yield PaletteCommand("Action", "Export runs as CSV", _url("runs-csv", project))
    yield PaletteCommand("Action", "Use light theme", action="theme-light")
    yield PaletteCommand("Action", "Use dark theme", action="theme-dark")
    yield PaletteCommand("Action", "Match system theme", action="theme-auto")
    yield PaletteCommand("Action", "Show keyboard shortcuts", action="keys")
    yield PaletteCommand("Action", "Change password", reverse("account_change_password"))
    if shell.is_instance_admin:
        yield PaletteCommand("Page", "Status", reverse("status"))


def _search_command(project: Project, text: str) -> PaletteCommand:
    query = RunFilters().narrow(format_value(text))
    return PaletteCommand("Search", f"Runs with {text}", f"{_url('runs', project)}?{query.to_query_string()}")


def _contains_words(command: PaletteCommand, words: Iterable[str]) -> bool:
    searched = f"{command.kind} {command.label}".lower()
    return all(word in searched for word in words)


def _url(name: str, project: Project, **arguments: object) -> str:
    return reverse(name, kwargs={"project": project.slug, **arguments})
