"""`list_values`: the values of a field that occur, to write queries with."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

from dashboard.mcp.tool import McpTool, ToolContext, list_of_objects
from runs.errors import InvalidFilter, Problem
from runs.models import Project
from runs.query.ast import format_key
from runs.query.did_you_mean import find_closest_match
from runs.query.field_values import fetch_field_values, fetch_metadata_keys_like
from runs.query.fields import FIELDS_BY_NAME, QueryField
from runs.query.operators import format_value
from runs.query.text_limits import find_text_problem
from runs.query.value_counts import MAX_COUNTED_VALUES, ValueCounts
from runs.query.value_types import MAX_SEARCH_TEXT_LENGTH

_METADATA_KEYS = "metadata"


class ListValuesArguments(Struct, forbid_unknown_fields=True):
    """The arguments of `list_values`."""

    field: Annotated[
        str,
        Meta(
            max_length=512,
            description=(
                "A field of the query language, such as `model`, `error_code`, `assistant` or `metadata.customer`; "
                "`metadata` lists the keys."
            ),
        ),
    ]
    contains: Annotated[str, Meta(description="List only values with this text, ignoring case.")] = ""
    limit: Annotated[int, Meta(ge=1, le=MAX_COUNTED_VALUES, description="The number of values.")] = 20


def _list_values(context: ToolContext, arguments: ListValuesArguments) -> dict[str, Any]:
    for name, text in (("field", arguments.field), ("contains", arguments.contains)):
        if problem := find_text_problem(text, MAX_SEARCH_TEXT_LENGTH):
            raise _invalid(name, problem)
    if arguments.field == _METADATA_KEYS:
        field, counts = FIELDS_BY_NAME["metadata"], fetch_metadata_keys_like(context.project, arguments.contains)
    else:
        field, counts = _fetch_values(context.project, arguments.field, arguments.contains)
    return {
        "field": arguments.field,
        "values": [{"value": value, "count": count} for value, count in counts[: arguments.limit]],
        "counts": "runs",
        "has_more": len(counts) > arguments.limit,
        "how_to_write": _format_example(arguments.field, counts[0][0]) if counts else None,
        "known_values": list(field.value_type.suggestions),
    }


def _format_example(field: str, value: str) -> str:
    """Return a query with a value, or with a key of the metadata."""
    if field == _METADATA_KEYS:
        return f"metadata.{format_key(value)}:*"
    return f"{field}:{format_value(value)}"


def _fetch_values(project: Project, name: str, text: str) -> tuple[QueryField, ValueCounts]:
    base, _, key = name.partition(".")
    field = FIELDS_BY_NAME.get(base)
    if field is None:
        closest = find_closest_match(base.lower(), FIELDS_BY_NAME)
        hint = f"did you mean '{closest}'?" if closest else f"expected one of {', '.join(FIELDS_BY_NAME)}"
        raise _invalid("field", f"unknown field '{base[:100]}'; {hint}")
    if bool(key) != field.has_keys:
        expected = f"{base}.KEY" if field.has_keys else base
        raise _invalid("field", f"expected '{expected}', found '{name[:100]}'")
    if not (field.has_keys or field.fetch_values or field.value_type.suggestions):
        examples = ", ".join(field.examples)
        raise _invalid("field", f"'{base}' has no list of values; write for example {examples}")
    return field, fetch_field_values(project, field, key or None, text)


def _invalid(argument: str, message: str) -> InvalidFilter:
    return InvalidFilter(f"{argument}: {message}", [Problem(argument, message)])


LIST_VALUES = McpTool(
    "list_values",
    "List values of a field",
    "List the values of one field of the query language that occur in the project, the most frequent first, each with "
    "the number of runs. Use it to learn which models, assistants, error codes, functions, tags or metadata exist "
    "before you write a query.",
    ListValuesArguments,
    _list_values,
    {
        "field": {"type": "string"},
        "values": list_of_objects("Each with `value` and `count`."),
        "counts": {"type": "string", "description": "What is counted: runs."},
        "has_more": {"type": "boolean"},
    },
)
