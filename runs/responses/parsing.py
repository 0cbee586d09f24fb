"""The reading of posted responses, alone or with the request that they answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from runs.errors import InvalidObject, Problem, RunglassError
from runs.ingest import IngestReport, RawItem
from runs.ingest.object_limits import ObjectLimits, check_object_limits
from runs.ingest.record_types import ParsedRecord
from runs.models import Project
from runs.protocol.fields import truncate_indexed
from runs.protocol.lossless_json import check_json_depth, decode_json, split_object
from runs.protocol.responses.response import RESPONSE_OBJECT, parse_response

DELETED_MESSAGE = "ignored: the answer to a deletion is no response"


@dataclass(frozen=True, slots=True)
class PostedResponse:
    """A valid posted response, with what is known beside it: links, its request, and the error of its stream."""

    item: RawItem
    record: ParsedRecord
    created_at: datetime
    previous_response_id: str | None
    conversation_id: str | None
    request: str | None
    stream_error: str | None

    @property
    def id(self) -> str:
        """The posted id."""
        return self.record.columns.external_id

    def to_problem(self, pointer: str, message: str) -> Problem:
        """Return a problem of the response at a JSON pointer in it."""
        return Problem(self.item.path + pointer, message, self.item.index, self.id, self.item.line)


def parse_posted_response(
    project: Project, item: RawItem, limits: ObjectLimits, report: IngestReport
) -> PostedResponse | None:
    """Parse an item; or add its problems, or a warning that it is ignored, to the report and return None."""
    members: Mapping[str, bytes] = {}
    try:
        check_object_limits(item.raw, limits)
        check_json_depth(item.raw)
        members = split_object(item.raw)
        request, stream_error = members.get("request"), members.get("stream_error")
        if "response" in members and "object" not in members:
            item = replace_item(item, members["response"])
            members = split_object(item.raw)
            if request is not None and not request.startswith(b"{"):
                raise InvalidObject(problems=[Problem("/request", "expected object")])
        else:
            request = stream_error = None
        if members.get("deleted") == b"true":
            report.ignored += 1
            report.warnings.append(Problem(item.path, DELETED_MESSAGE, item.index, _read_id(members), item.line))
            return None
        parsed = parse_response(members)
    except RunglassError as error:
        problems = error.problems or [Problem("", error.message)]
        report.errors += [
            replace(problem, path=item.path + problem.path, index=item.index, id=_read_id(members), line=item.line)
            for problem in problems
        ]
        return None
    report.ids[item.index] = parsed.columns.external_id
    key = (project.record_id_hex(parsed.columns.external_id),)
    return PostedResponse(
        item,
        ParsedRecord(item.index, key, parsed.columns),
        parsed.columns.created_at,
        parsed.previous_response_id,
        parsed.conversation_id,
        None if request is None else request.decode(),
        None if stream_error is None else stream_error.decode(),
    )


def replace_item(item: RawItem, raw: bytes) -> RawItem:
    """Return the item of a response within an object that also has its request."""
    return RawItem(item.index, raw, item.line, f"{item.path}/response", RESPONSE_OBJECT)


def _read_id(members: Mapping[str, bytes]) -> str | None:
    posted_id = decode_json(members.get("id", b"null"))
    return truncate_indexed(posted_id) if isinstance(posted_id, str) else None
