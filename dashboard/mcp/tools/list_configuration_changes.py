"""`list_configuration_changes`: when assistants got other instructions, tools, models or settings."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

from dashboard.mcp.answer_rendering import BothEndsList
from dashboard.mcp.filters import MaxTokens
from dashboard.mcp.page_links import PageLinks
from dashboard.mcp.posted_text import PostedText
from dashboard.mcp.run_differences import describe_text_diff, describe_tools_diff
from dashboard.mcp.tool import McpTool, ToolContext, list_of_objects
from dashboard.pages.assistants.configuration_changes import ConfigurationChanges, fetch_configurations
from dashboard.ui.comparison_rows import ComparisonCell
from runs.analytics.configuration_changes import ConfigurationChange, fetch_configuration_changes
from runs.errors import InvalidFilter, NotFound, Problem
from runs.models import Assistant, Project, Run
from runs.query import TimeExpression
from runs.query.operators import escape_like
from runs.query.text_limits import find_text_problem

MAX_ASSISTANT_LENGTH = 256


class ListConfigurationChangesArguments(Struct, forbid_unknown_fields=True):
    """The arguments of `list_configuration_changes`."""

    assistant: Annotated[str, Meta(description="The id or the name of one assistant. Empty: all assistants.")] = ""
    since: Annotated[
        str, Meta(max_length=40, description="The start: relative such as `-7d`, or a day or time in UTC.")
    ] = "-30d"
    limit: Annotated[int, Meta(ge=1, le=30, description="The number of changes.")] = 10
    max_tokens: MaxTokens = 6_000


def _list_configuration_changes(context: ToolContext, arguments: ListConfigurationChangesArguments) -> dict[str, Any]:
    since = _parse_since(arguments.since).resolve(context.now)
    assistant_id = _find_assistant_id(context.project, arguments.assistant) if arguments.assistant else None
    found = fetch_configuration_changes(context.project, since, arguments.limit + 1, assistant_id)
    changes = found[: arguments.limit]
    ids = [pk for change in changes for pk in (change.configuration_id, change.previous_id) if pk is not None]
    configurations = fetch_configurations(ids)
    names = Assistant.objects.names_by_id(context.project, {change.assistant_id for change in changes})
    return {
        "since": since,
        "changes": [
            _describe_change(change, names.get(change.assistant_id), context.links)
            | (
                _describe_fields(
                    ConfigurationChanges(configurations[change.previous_id], configurations[change.configuration_id])
                )
                if change.previous_id
                else {"summary": "First configuration of this assistant"}
            )
            for change in changes
        ],
        "has_more": len(found) > arguments.limit,
        "url": context.links.page("assistants"),
    }


def _describe_change(change: ConfigurationChange, name: str | None, links: PageLinks) -> dict[str, Any]:
    return {
        "changed_at": change.changed_at,
        "assistant_id": change.assistant_id,
        "assistant_name": name,
        "configuration_id": change.configuration_id.hex,
        "previous_configuration_id": change.previous_id.hex if change.previous_id else None,
        "query": f"configuration:{change.configuration_id.hex[:12]}",
        "url": links.page("assistant", assistant_id=change.assistant_id),
    }


def _describe_fields(changes: ConfigurationChanges) -> dict[str, Any]:
    return {
        "summary": changes.summary.long,
        "settings": BothEndsList(
            {"field": row.name, "before": _describe_cell(row.left), "after": _describe_cell(row.right)}
            for row in changes.settings
        ),
        "instructions_diff": describe_text_diff(changes.instructions),
        "tools_diff": describe_tools_diff(changes.tools),
    }


def _describe_cell(cell: ComparisonCell) -> PostedText | str:
    return PostedText(cell.text.full) if cell.text else str(cell.presence)


def _parse_since(text: str) -> TimeExpression:
    try:
        return TimeExpression.parse(text)
    except ValueError as error:
        raise InvalidFilter(f"since: {error}", [Problem("since", str(error))]) from error


def _find_assistant_id(project: Project, text: str) -> str:
    """Return the id of the assistant with that id or name; at most two queries."""
    if problem := find_text_problem(text, MAX_ASSISTANT_LENGTH):
        raise InvalidFilter(f"assistant: {problem}", [Problem("assistant", problem)])
    if Run.objects.of_assistant(project, text).exists():
        return text
    ids = Assistant.objects.ids_with_name_like(project, [escape_like(text)])
    if len(ids) != 1:
        found = f"{len(ids)} assistants have the name" if ids else "no assistant has the id or name"
        message = f"{found} '{text[:100]}'; list_values with field=assistant lists them"
        raise NotFound(f"assistant: {message}", [Problem("assistant", message)])
    return ids[0]


LIST_CONFIGURATION_CHANGES = McpTool(
    "list_configuration_changes",
    "List configuration changes",
    "List when assistants started to run with other instructions, tools, model or settings, the newest change first, "
    "each with what changed. Use it to find out what was changed before errors, cost or latency rose.",
    ListConfigurationChangesArguments,
    _list_configuration_changes,
    {
        "since": {"type": "string"},
        "changes": list_of_objects("Each with the differences to the configuration before."),
        "has_more": {"type": "boolean"},
        "url": {"type": "string"},
    },
)
