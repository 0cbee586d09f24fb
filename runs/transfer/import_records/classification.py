"""Find out what a JSON value of a file is, and which records are in it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from runs.errors import Problem, RunglassError, TooManyObjects, UnreadableBody
from runs.ingest.request_bodies import unwrap_list
from runs.protocol.lossless_json import decode_json, split_array, split_object
from runs.protocol.responses.stream import is_response_event, read_event_type
from runs.transfer.import_files import RawJsonValue
from runs.transfer.import_records.page_owners import ItemListName, ItemsOrder, PageDefaults, PageOwner
from runs.transfer.import_records.records import ImportKind, ImportRecord

_MAX_LIST_OBJECTS = 1_000_000
# Most objects name their type before the first nested value, which spares parsing them twice.
_PLAIN_OBJECT = re.compile(rb'\s*\{[^{}\[\]]{0,300}"object"\s*:\s*"(?:thread\.|assistant"|response")')
_OTLP_REQUESTS = {
    "resourceSpans": ImportKind.TRACES,
    "resourceLogs": ImportKind.LOGS,
    "resourceMetrics": ImportKind.METRICS,
}
_OBJECT_KINDS = {
    b'"conversation"': ImportKind.CONVERSATION,
    b'"trace"': ImportKind.AGENTS_OBJECT,
    b'"trace.span"': ImportKind.AGENTS_OBJECT,
}
_WRAPPERS = {"response_id": ItemListName.INPUT_ITEMS, "conversation_id": ItemListName.CONVERSATION_ITEMS}
# Members of objects that are no items, although they have a `type`.
_FOREIGN_TO_ITEMS = frozenset({"object", "run_id", "thread_id", "event", "data"})


def classify_value(value: RawJsonValue, defaults: PageDefaults) -> Iterator[ImportRecord]:
    """Yield the records of a JSON value: the elements of a list envelope, or the value itself.

    Raises:
        UnreadableBody: a list has too many elements.
    """
    members = None if _PLAIN_OBJECT.match(value.raw) else _split_members(value.raw)
    if members is None:
        yield ImportRecord(ImportKind.OBJECT, value.raw, value.line)
        return
    wrapper = next((name for name, items in _WRAPPERS.items() if {name, items.value} <= members.keys()), None)
    if wrapper is not None:
        yield _unwrap_page(wrapper, members, value)
        return
    data = unwrap_list(members)
    if data is None or members.keys() >= {"event", "data"}:
        yield _build_record(_find_kind(members), value, defaults)
        return
    elements = _split_list(data, value.line)
    first = _split_members(elements[0]) if elements else None
    if first is not None and _is_item(first):
        yield _build_record(ImportKind.ITEM_PAGE, value, defaults)
        return
    for element in elements:
        found = _split_members(element)
        kind = ImportKind.OBJECT if found is None else _find_kind(found)
        yield _build_record(kind, RawJsonValue(element, value.line), defaults)


def _find_kind(members: Mapping[str, bytes]) -> ImportKind:
    for name, kind in _OTLP_REQUESTS.items():
        if name in members:
            return kind
    if kind := _OBJECT_KINDS.get(members.get("object", b"")):  # type: ignore[assignment]
        return kind
    if "object" not in members:
        if members.keys() >= {"event", "data"} or is_response_event("", read_event_type(members)):
            return ImportKind.EVENT
        if _is_item(members):
            return ImportKind.ITEM
    return ImportKind.OBJECT


def _is_item(members: Mapping[str, bytes]) -> bool:
    """Return whether an object is an item of a list: it has a type, and nothing that only other objects have."""
    return members.get("type", b"").startswith(b'"') and not _FOREIGN_TO_ITEMS & members.keys()


def _unwrap_page(wrapper: str, members: Mapping[str, bytes], value: RawJsonValue) -> ImportRecord:
    items = _WRAPPERS[wrapper]
    owner_id, order, after = (_read_text(members, name) for name in (wrapper, "order", "after"))
    problems = [
        Problem(f"/{name}", message, line=value.line)
        for name, is_valid, message in (
            (wrapper, bool(owner_id), "expected string"),
            ("order", order in (None, *ItemsOrder), "expected asc or desc"),
            ("after", after != "", "expected string"),
        )
        if not is_valid
    ]
    if problems:
        return ImportRecord(ImportKind.INVALID, value.raw, value.line, problems=tuple(problems))
    return ImportRecord(
        ImportKind.ITEM_PAGE,
        members[items.value],
        value.line,
        path=f"/{items.value}",
        owner=PageOwner(items, owner_id or ""),
        order=order or ItemsOrder.DESCENDING,
        after=after,
    )


def _build_record(kind: ImportKind, value: RawJsonValue, defaults: PageDefaults) -> ImportRecord:
    if kind in (ImportKind.ITEM_PAGE, ImportKind.ITEM):
        return ImportRecord(kind, value.raw, value.line, owner=defaults.owner, order=defaults.order)
    return ImportRecord(kind, value.raw, value.line)


def _read_text(members: Mapping[str, bytes], name: str) -> str | None:
    """Return a member that is text, None if there is none, "" if it is something else."""
    value = decode_json(members.get(name, b"null"))
    return value if isinstance(value, str | None) else ""


def _split_members(raw: bytes) -> dict[str, bytes] | None:
    try:
        return split_object(raw)
    except RunglassError:
        return None


def _split_list(data: bytes, line: int) -> list[bytes]:
    try:
        return split_array(data, _MAX_LIST_OBJECTS)
    except TooManyObjects as error:
        raise UnreadableBody(f"line {line:,}: {error.message}") from error
