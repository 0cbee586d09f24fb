"""A tool call for display: its facts, and its content in titled parts.

Each type of the protocol has its own layout. Calls of any other type are shown as they were received.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeGuard

from dashboard.ui import json_view
from dashboard.ui.posted_object import as_mapping, as_name, as_text
from dashboard.ui.readable_values import truncate_readable
from dashboard.ui.response_item_parts import build_item_parts
from dashboard.ui.titled_part import MAX_LISTED_PARTS, FileSearchResult, TitledPart
from dashboard.ui.truncated_text import truncate_json, truncate_text, truncate_text_or_json
from runs.enrichment.function_calls import PostedFunctionCall
from runs.enrichment.tool_output_errors import find_output_error
from runs.protocol.fields import truncate_indexed
from runs.protocol.inline_data import describe_attachment
from runs.protocol.lossless_json import JsonNumber, clean_text, dump_json
from runs.protocol.tool_call_texts import PENDING_CALL_MEMBERS

_FILE_NAMES = ("file_name", "filename", "file_id")  # the second one in the Responses API


@dataclass(frozen=True)
class DisplayedToolCall:
    """A tool call. `server` is the label of an MCP server, `posted` the whole call as parsed JSON."""

    id: str
    type: str
    name: str
    posted: dict[str, Any] = field(default_factory=dict, repr=False)
    server: str | None = None
    is_answered: bool = True
    output_length: int | None = None

    @property
    def tool_key(self) -> tuple[str, str]:
        """The type and name that identify the tool: functions by name, MCP tools by server, others by type."""
        match self.type:
            case "function":
                return self.type, self.name
            case "mcp":
                return self.type, self.server or ""
            case _:
                return self.type, ""

    @cached_property
    def function_call(self) -> PostedFunctionCall:
        """The call in the form that is validated against tool schemas. Findings refer to this very object."""
        arguments = as_mapping(self.posted.get(self.type)).get("arguments")
        if arguments is not None and not _is_string(arguments):
            arguments = dump_json(arguments)
        return PostedFunctionCall(self.id, self.name, arguments)

    @cached_property
    def output_error(self) -> str | None:
        """The message of an output that looks like an error. This is a guess."""
        return next(filter(None, map(find_output_error, self._output_texts())), None)

    def _output_texts(self) -> Iterator[str]:
        body = as_mapping(self.posted.get(self.type))
        outputs = body.get("outputs")
        logs = [as_mapping(output).get("logs") for output in outputs] if isinstance(outputs, list) else []
        for output in (body.get("output"), self.posted.get("output"), *logs):
            if _is_string(output):
                yield output
            elif isinstance(output, dict):
                yield dump_json(output)

    @cached_property
    def parts(self) -> list[TitledPart]:
        """The content of the call. It is laid out on first access, since it would take most of the time of a page."""
        try:
            posted = as_mapping(json_view.clean_json_strings(self.posted))
            return list(_build_parts(self.type, posted, as_mapping(posted.get(self.type)), self.is_answered))
        except RecursionError:
            return [TitledPart(f"{self.type}, as received", truncate_text(dump_json(self.posted)))]


def parse_tool_call(posted: Any, *, is_pending: bool = False) -> DisplayedToolCall:
    """Read a tool call of a step or of a required action.

    `is_pending` means that the run waits for outputs now.
    """
    posted = as_mapping(posted)
    kind = clean_text(posted["type"]) if _is_string(posted.get("type")) and posted["type"] else "function"
    body = as_mapping(posted.get(kind))
    output = body.get("output") if kind == "function" else posted.get("output")
    output_length = None
    if output is not None:
        output_length = len(output if isinstance(output, str) else dump_json(output))
    return DisplayedToolCall(
        id=_clean_name(posted.get("id")) or "",
        type=truncate_indexed(kind),
        name=_clean_name(body.get("name") if kind == "function" else posted.get("name")) or truncate_indexed(kind),
        posted=posted,
        server=_clean_name(posted.get("server_label")),
        is_answered=not (is_pending and kind in ("function", "mcp") and output is None),
        output_length=output_length,
    )


def parse_required_action(action: Any) -> list[DisplayedToolCall]:
    """Read the tool calls whose outputs or approvals a required action asks for."""
    lists = [as_mapping(as_mapping(action).get(kind)).get("tool_calls") for kind in PENDING_CALL_MEMBERS]
    return [parse_tool_call(call, is_pending=True) for calls in lists if isinstance(calls, list) for call in calls]


def _is_string(value: Any) -> TypeGuard[str]:
    return isinstance(value, str) and not isinstance(value, JsonNumber)


def _clean_name(value: Any) -> str | None:
    """Return a name or an id as it is stored in columns, or None if it is not a string."""
    return truncate_indexed(value) if isinstance(value, str) else None


def _build_parts(kind: str, posted: dict[str, Any], body: dict[str, Any], is_answered: bool) -> Iterator[TitledPart]:
    match kind:
        case "function":
            yield _arguments_part(body)
            yield _output_part(body, is_answered)
        case "code_interpreter":
            yield from _code_interpreter_parts(body)
        case "file_search":
            yield from _file_search_parts(body)
        case _:
            yield from _other_parts(kind, posted, is_answered)


def _arguments_part(body: dict[str, Any]) -> TitledPart:
    if body.get("arguments") is None:
        return TitledPart("Arguments", note=_describe_missing(body, "arguments"))
    return TitledPart("Arguments", truncate_text_or_json(body["arguments"]))


def _output_part(body: dict[str, Any], is_answered: bool) -> TitledPart:
    if body.get("output") is not None:
        return TitledPart("Output", truncate_text_or_json(body["output"]))
    return TitledPart("Output", note=_describe_missing(body, "output") if is_answered else "Not submitted yet.")


def _describe_missing(body: dict[str, Any], name: str) -> str:
    return f"{name}: null" if name in body else f"{name}: not sent"


def _code_interpreter_parts(body: dict[str, Any]) -> Iterator[TitledPart]:
    source = as_text(body.get("input")) or as_text(body.get("code"))
    if source:
        yield TitledPart("Code", truncate_text(source))
    else:
        yield TitledPart("Code", note=_describe_missing(body, "input"))
    outputs = body.get("outputs")
    posted_outputs = outputs if isinstance(outputs, list) else []
    for posted in posted_outputs[:MAX_LISTED_PARTS]:
        output = as_mapping(posted)
        file_id = as_name(as_mapping(output.get("image")).get("file_id"))
        if output.get("type") == "logs":
            yield TitledPart("Logs", truncate_text(as_text(output.get("logs")) or ""))
        elif file_id is not None:
            yield TitledPart("Image", file_id=file_id)
        elif output.get("type") == "image":
            yield TitledPart("Image", note=describe_attachment(output))
        else:
            yield TitledPart("Output", truncate_json(posted))
    yield from _note_hidden_parts(len(posted_outputs))
    if not outputs:
        yield TitledPart("Output", note="No output was recorded.")


def _note_hidden_parts(count: int) -> Iterator[TitledPart]:
    if count > MAX_LISTED_PARTS:
        yield TitledPart("More", note=f"{count - MAX_LISTED_PARTS:,} more are not shown here.")


def _file_search_parts(body: dict[str, Any]) -> Iterator[TitledPart]:
    queries = body.get("queries")
    if isinstance(queries, list) and queries:
        yield TitledPart("Queries", truncate_text("\n".join(as_text(query) or "" for query in queries)))
    options = {name: value for name, value in body.items() if name not in ("results", "queries")}
    if options:
        yield TitledPart("Options", truncate_json(options))
    results = body.get("results")
    if not isinstance(results, list):
        yield TitledPart("Results", note="Not sent. Servers include results only on request.")
        return
    files = tuple(_parse_search_result(as_mapping(result)) for result in results[:MAX_LISTED_PARTS])
    yield TitledPart("Results", files=files)
    yield from _note_hidden_parts(len(results))


def _parse_search_result(posted: dict[str, Any]) -> FileSearchResult:
    content = posted.get("content")
    texts = [as_text(as_mapping(part).get("text")) or "" for part in content] if isinstance(content, list) else []
    if text := as_text(posted.get("text")):  # of the Responses API
        texts.append(text)
    return FileSearchResult(
        name=as_name(posted.get("file_name"))
        or as_name(posted.get("filename"))
        or as_name(posted.get("file_id"))
        or "(no name)",
        file_id=as_name(posted.get("file_id")),
        score=as_name(posted.get("score")),
        content=truncate_text("\n\n".join(texts)) if texts else None,
    )


def _other_parts(kind: str, posted: dict[str, Any], is_answered: bool) -> Iterator[TitledPart]:
    """Yield the arguments and output of a flat call, then all its other members as received."""
    if "arguments" in posted:
        yield _arguments_part(posted)
    if "output" in posted or not is_answered:
        yield _output_part(posted, is_answered)
    shown = {"id", "type", "name", "arguments", "output"}
    # Azure posts calls of OpenAPI tools with a `function`, as calls of functions have.
    name = kind if isinstance(posted.get(kind), dict) else "function"
    if isinstance(posted.get(name), dict) and posted[name]:
        yield from build_item_parts(truncate_indexed(kind), posted[name])
        shown.add(name)
    rest = {name: value for name, value in posted.items() if name not in shown}
    if rest:
        yield TitledPart(f"{truncate_indexed(kind)}, as received", truncate_readable(rest))
