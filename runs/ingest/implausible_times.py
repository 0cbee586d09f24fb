"""Records whose time of creation cannot be right, such as a time in seconds that was written in another unit.

They are stored as posted, but ordered and counted by their time of receipt. Otherwise a run of the year 2106 would be
the newest one for ever, belong to every period up to now, and stretch every chart.
"""

from __future__ import annotations

from datetime import datetime

from runs.errors import Problem
from runs.ingest.record_types import ParsedRecord
from runs.protocol.assistant import AssistantColumns
from runs.protocol.lossless_json import join_members, split_object
from runs.protocol.responses.response import ResponseColumns
from runs.protocol.run import RunColumns
from runs.protocol.timestamps import MIN_PLAUSIBLE_TIME, is_plausible_time, to_unix_seconds


def replace_implausible_time(record: ParsedRecord, received_at: datetime) -> Problem | None:
    """Give a record with an implausible time of creation the time of receipt, and return a warning.

    Changes nothing and returns None if the time is plausible.
    """
    columns = record.columns
    if isinstance(columns, AssistantColumns | ResponseColumns) or is_plausible_time(columns.created_at, received_at):
        return None
    if isinstance(columns, RunColumns):
        columns.duration_ms = None
    extra = split_object(columns.extra.encode()) if columns.extra else {}
    extra.setdefault("created_at", str(to_unix_seconds(columns.created_at)).encode())
    columns.extra = join_members(extra).decode()
    columns.posted_created_at, columns.created_at = columns.created_at, received_at.replace(microsecond=0)
    message = (
        f"{columns.posted_created_at:%Y-%m-%d %H:%M:%S} UTC is not plausible: expected a time in seconds, from "
        f"{MIN_PLAUSIBLE_TIME.year} to now; stored as posted, but sorted by the time of receipt"
    )
    return Problem("/created_at", message, record.index, columns.external_id)
