"""The storage of tool definitions: each tool of each assistant once, with the time of the first run that had it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from django.db.models import Q

from runs.db import sql
from runs.models import Configuration, ToolDefinition
from runs.protocol.tool_definitions import ParsedToolDefinition, parse_tool_definitions, tool_definition_id

_ROWS_PER_STATEMENT = 500
_FIELDS = ToolDefinition._meta.concrete_fields
_COLUMNS = ", ".join(str(field.column) for field in _FIELDS)


def store_tool_definitions(
    configurations: Iterable[Configuration], first_run_created_at: Mapping[UUID, datetime]
) -> None:
    """Store the tool definitions of `configurations`, whose first runs were created at the given times.

    Rows are written in the order of their keys, as all writers do. If a definition is stored already, the earlier time
    is kept.
    """
    definitions: dict[UUID, ToolDefinition] = {}
    for configuration in configurations:
        for parsed in parse_tool_definitions(configuration.body):
            row = ToolDefinition.from_parsed(configuration, parsed, first_run_created_at[configuration.pk])
            if row.pk not in definitions or row.first_seen_at < definitions[row.pk].first_seen_at:
                definitions[row.pk] = row
    rows = [definitions[pk] for pk in sorted(definitions)]
    for begin in range(0, len(rows), _ROWS_PER_STATEMENT):
        batch = rows[begin : begin + _ROWS_PER_STATEMENT]
        params = [getattr(row, field.attname) for row in batch for field in _FIELDS]
        with sql.open_cursor(sql.NumberedCursor) as cursor:
            cursor.execute(
                f"INSERT INTO tool_definition ({_COLUMNS}) {sql.values_placeholders(len(_FIELDS), len(batch))} "
                "ON CONFLICT (id) DO UPDATE SET first_seen_at = excluded.first_seen_at "
                "WHERE tool_definition.first_seen_at > excluded.first_seen_at",
                params,
            )


def delete_unused_tool_definitions(project_id: int, deleted_configurations: Iterable[tuple[str, str]]) -> None:
    """Delete the tool definitions that only deleted configurations had, each given by its assistant and its body."""
    defined: defaultdict[str, dict[UUID, ParsedToolDefinition]] = defaultdict(dict)
    for assistant_id, body in deleted_configurations:
        for parsed in parse_tool_definitions(body):
            defined[assistant_id][tool_definition_id(project_id, assistant_id, parsed)] = parsed
    for assistant_id, definitions in defined.items():
        unused = _find_undefined(project_id, assistant_id, definitions)
        ToolDefinition.objects.filter(pk__in=sorted(unused)).delete()


def _find_undefined(project_id: int, assistant_id: str, definitions: Mapping[UUID, ParsedToolDefinition]) -> set[UUID]:
    """Return the keys of those of `definitions` that no configuration of the assistant has."""
    unused = set(definitions)
    has_any = Q(function_names__overlap=[tool.name for tool in definitions.values()])
    has_any |= Q(tool_types__overlap=[tool.type for tool in definitions.values() if tool.type != "function"])
    configurations = Configuration.objects.filter(has_any, project_id=project_id, assistant_id=assistant_id)
    newest_first = configurations.order_by("-first_seen_at", "-id").values_list("body", flat=True)
    for body in newest_first.iterator(chunk_size=_ROWS_PER_STATEMENT):
        unused -= {tool_definition_id(project_id, assistant_id, parsed) for parsed in parse_tool_definitions(body)}
        if not unused:
            break
    return unused
