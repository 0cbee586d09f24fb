"""`describe_query_language`: how to write the queries that other tools take."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec import Struct

from dashboard.mcp.tool import McpTool, ToolContext, list_of_objects
from runs.query.query_help import LIMITS_HELP, SYNTAX_HELP, VALUE_HELP, HelpEntry, build_field_help


class DescribeQueryLanguageArguments(Struct, forbid_unknown_fields=True):
    """The arguments of `describe_query_language`: none."""


def _describe_query_language(context: ToolContext, _: DescribeQueryLanguageArguments) -> dict[str, Any]:
    return {
        "syntax": _list_entries(SYNTAX_HELP),
        "values": _list_entries(VALUE_HELP),
        "fields": _list_entries(build_field_help()),
        "limits": LIMITS_HELP,
        "url": context.links.page("query-help"),
    }


def _list_entries(entries: Iterable[HelpEntry]) -> list[dict[str, Any]]:
    return [
        {"syntax": entry.syntax, "meaning": entry.meaning, "examples": "   ".join(entry.examples)} for entry in entries
    ]


DESCRIBE_QUERY_LANGUAGE = McpTool(
    "describe_query_language",
    "Describe the query language",
    "Return the syntax, the fields and example queries of the query language that search_runs, list_error_groups and "
    "get_usage take. Call it once before you write queries.",
    DescribeQueryLanguageArguments,
    _describe_query_language,
    {
        "syntax": list_of_objects("How terms are combined; finds runs …"),
        "values": list_of_objects("How values are written."),
        "fields": list_of_objects("The fields; each finds runs …"),
        "limits": {"type": "string"},
        "url": {"type": "string"},
    },
)
