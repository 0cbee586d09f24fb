"""Keeping what is defined: each tool of each assistant once, with the time of the first run that could call it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from runs.db import sql
from runs.models import Configuration, ToolDefinition
from runs.protocol import tool_definitions

_ROWS_PER_STATEMENT = 500
_COLUMNS = [str(field.column) for field in ToolDefinition._meta.concrete_fields]


def store_tool_definitions(configurations: Iterable[Configuration], since: Mapping[UUID, datetime]) -> None:
    """Keep what these configurations define; `since` are the creations of their earliest runs, by their ids.

    Written in the order of keys, as every writer does; of a definition that is kept already, the earlier time stands.
    """
    made: dict[UUID, ToolDefinition] = {}
    for configuration in configurations:
        for defined in tool_definitions.parse_tool_definitions(configuration.body):
            row = ToolDefinition.from_parsed(configuration, defined, since[configuration.pk])
            if row.pk not in made or row.first_seen_at < made[row.pk].first_seen_at:
                made[row.pk] = row
    rows = [made[pk] for pk in sorted(made)]
    for begin in range(0, len(rows), _ROWS_PER_STATEMENT):
        _write(rows[begin : begin + _ROWS_PER_STATEMENT])


def _write(rows: Sequence[ToolDefinition]) -> None:
    values = [getattr(row, field.attname) for row in rows for field in ToolDefinition._meta.concrete_fields]
    with sql.open_cursor(sql.NumberedCursor) as cursor:
        cursor.execute(
            f"INSERT INTO tool_definition ({', '.join(_COLUMNS)}) {sql.values_placeholders(len(_COLUMNS), len(rows))} "
            "ON CONFLICT (id) DO UPDATE SET first_seen_at = excluded.first_seen_at "
            "WHERE tool_definition.first_seen_at > excluded.first_seen_at",
            values,
        )
