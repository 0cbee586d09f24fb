"""The type of record that stores responses: ingest merges, orders and counts them as it does with runs."""

from __future__ import annotations

from runs.ingest.record_types import HISTORY_COLUMNS, RECEIPT_COLUMNS, ParsedRecord, RecordType
from runs.models import Response, ResponseObservation
from runs.protocol.lossless_json import split_object
from runs.protocol.responses.response import ResponseColumns, parse_response

RESPONSES = RecordType(
    name="responses",
    model=Response,
    columns_type=ResponseColumns,
    key=("id",),
    bookkeeping=(*RECEIPT_COLUMNS, *HISTORY_COLUMNS),
    parse=lambda project, index, posted: ParsedRecord(
        index, (project.record_id_hex((columns := parse_response(posted).columns).external_id),), columns
    ),
    build_members=lambda columns, _: split_object(columns.body.encode()),  # type: ignore[union-attr]
    content_members=frozenset({"output", "usage", "error", "incomplete_details", "instructions", "tools"}),
    observation_model=ResponseObservation,
)
