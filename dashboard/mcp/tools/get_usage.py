"""`get_usage`: what runs used."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta, Struct

from dashboard.mcp.filters import RunQueryText, name_query_argument
from dashboard.mcp.tool import McpTool, ToolContext, list_of_objects, nullable
from runs.analytics.usage import UsageQuery, fetch_usage_report, serialize_usage
from runs.errors import InvalidFilter
from runs.query.grammar import QUERY_PARAM


class GetUsageArguments(Struct, forbid_unknown_fields=True):
    """The arguments of `get_usage`."""

    query: RunQueryText = ""
    range: Annotated[
        Literal["24h", "7d", "30d", "90d"] | None,
        Meta(description="The period up to now. Without it: the times of the query, or 30d."),
    ] = None
    split: Annotated[
        str, Meta(max_length=520, description="The groups: model, assistant, status, kind (of token) or metadata.KEY.")
    ] = "model"
    measure: Annotated[Literal["tokens", "cost", "runs"], Meta(description="What groups are sorted by.")] = "tokens"
    limit: Annotated[int, Meta(ge=1, le=50, description="The number of groups.")] = 10


def _get_usage(context: ToolContext, arguments: GetUsageArguments) -> dict[str, Any]:
    params: dict[str, list[str]] = {"split": [arguments.split], "measure": [arguments.measure]}
    params |= {"range": [arguments.range]} if arguments.range else {}
    params |= {QUERY_PARAM: [arguments.query]} if arguments.query.strip() else {}
    try:
        query = UsageQuery.parse_params(params, ZoneInfo("UTC"), context.now)
    except InvalidFilter as error:
        raise name_query_argument(error) from error
    report = fetch_usage_report(context.project, query, arguments.limit, has_series=False)
    document: dict[str, Any] = msgspec.to_builtins(serialize_usage(report, None))
    return {
        **{name: document[name] for name in ("from", "to", "split", "measure", "totals", "previous")},
        "groups": [_without_series(group) for group in document["groups"]],
        "others": document["others"] and _without_series(document["others"]),
        "groups_counted_since": document["counted_since"],
        "url": context.links.page("usage", query.to_query_string()),
    }


def _without_series(group: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in group.items() if name != "series"}


GET_USAGE = McpTool(
    "get_usage",
    "Get usage",
    "Return runs, tokens and estimated cost in US dollars of a period, in total and by model, assistant, status, kind "
    "of token or a metadata key, each compared with the period of the same length before.",
    GetUsageArguments,
    _get_usage,
    {
        "from": {"type": "string"},
        "to": {"type": "string"},
        "split": {"type": "string"},
        "totals": {"type": "object"},
        "previous": {"type": "object", "description": "The period before."},
        "groups": list_of_objects("The largest groups; `key` is null for runs without a value."),
        "others": nullable("object", "All other groups."),
        "url": {"type": "string"},
    },
)
