"""What a step or call holds, in titled parts: the protocol's own kinds, and any vendor's as it came."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from dashboard.ui import json_view, truncated_text
from dashboard.ui.posted_object import as_mapping, as_text
from dashboard.ui.truncated_text import TruncatedText
from runs.enrichment.tool_output_errors import find_output_error
from runs.enrichment.tool_schema import PostedFunctionCall
from runs.protocol.lossless_json import JsonNumber, clean_text, dump_json


@dataclass(frozen=True, slots=True)
class FileSearchResult:
    """One result of a file search."""

    name: str
    file_id: str | None
    score: str | None
    content: TruncatedText | None


@dataclass(frozen=True, slots=True)
class TitledPart:
    """A titled piece of a call: a text, a file by its id, found files, or a remark where there is nothing."""

    title: str
    text: TruncatedText | None = None
    file_id: str | None = None
    files: tuple[FileSearchResult, ...] | None = None
    remark: str = ""


@dataclass(frozen=True)
class DisplayedToolCall:
    """One tool call. `server` is the label of an MCP server, `posted` the whole of it as it was parsed."""

    id: str
    type: str
    name: str
    posted: dict[str, Any] = field(default_factory=dict, repr=False)
    server: str | None = None
    is_answered: bool = True
    output_length: int | None = None

    @property
    def key(self) -> tuple[str, str]:
        """What it shares with its tool: functions go by name, MCP tools by server, others by kind."""
        match self.type:
            case "function":
                return self.type, self.name
            case "mcp":
                return self.type, self.server or ""
            case _:
                return self.type, ""

    @cached_property
    def called(self) -> PostedFunctionCall:
        """The call of a function as the contract check takes it: one object a call."""
        arguments = as_mapping(self.posted.get(self.type)).get("arguments")
        is_text = isinstance(arguments, str) and not isinstance(arguments, JsonNumber)
        return PostedFunctionCall(
            self.id, self.name, arguments if is_text or arguments is None else dump_json(arguments)
        )

    @cached_property
    def complaint(self) -> str | None:
        """What its output says where that looks like an error; nobody knows whether it is one."""
        return next(filter(None, map(find_output_error, self._outputs)), None)

    @property
    def _outputs(self) -> Iterator[str]:
        """The texts that came of it."""
        body = as_mapping(self.posted.get(self.type))
        logs = body.get("outputs")
        told = [as_mapping(each).get("logs") for each in logs] if isinstance(logs, list) else []
        for output in (body.get("output"), self.posted.get("output"), *told):
            if isinstance(output, str) and not isinstance(output, JsonNumber):
                yield output
            elif isinstance(output, dict):
                yield dump_json(output)

    @cached_property
    def parts(self) -> list[TitledPart]:
        """What it holds, laid out. Made when it is shown: most of a page's time would go into it."""
        try:
            posted = as_mapping(json_view.clean_json_strings(self.posted))
            return list(_parts(self.type, posted, as_mapping(posted.get(self.type)), self.is_answered))
        except RecursionError:
            return [TitledPart(f"{self.type}, as received", truncated_text.truncate_text(dump_json(self.posted)))]


def parse_tool_call(posted: Any, *, is_awaited: bool = False) -> DisplayedToolCall:
    """A call as a step or a required action tells it. `is_awaited`: its run waits for outputs now."""
    posted = as_mapping(posted)
    kind = _word(posted.get("type")) or "function"
    body = as_mapping(posted.get(kind))
    output = body.get("output") if kind == "function" else posted.get("output")
    return DisplayedToolCall(
        id=_word(posted.get("id")) or "",
        type=kind,
        name=_word(body.get("name") if kind == "function" else posted.get("name")) or kind,
        posted=posted,
        server=_word(posted.get("server_label")),
        is_answered=not (is_awaited and kind in ("function", "mcp") and output is None),
        output_length=_length(output),
    )


def _word(value: Any) -> str | None:
    """A name or id, fit for a page; what is no string was not meant as one."""
    return clean_text(value) if isinstance(value, str) else None


def _length(output: Any) -> int | None:
    if output is None:
        return None
    return len(output) if isinstance(output, str) else len(dump_json(output))


def _parts(kind: str, posted: dict[str, Any], body: dict[str, Any], answered: bool) -> Iterator[TitledPart]:
    match kind:
        case "function":
            yield _argument(body)
            yield _output(body, answered)
        case "code_interpreter":
            yield from _code(body)
        case "file_search":
            yield from _search(body)
        case _:
            yield from _vendor(kind, posted, answered)


def _argument(body: dict[str, Any]) -> TitledPart:
    if body.get("arguments") is None:
        return TitledPart("Arguments", remark=_missing(body, "arguments"))
    return TitledPart("Arguments", truncated_text.truncate_text_or_json(body["arguments"]))


def _output(body: dict[str, Any], answered: bool) -> TitledPart:
    if body.get("output") is not None:
        return TitledPart("Output", truncated_text.truncate_text_or_json(body["output"]))
    return TitledPart("Output", remark=_missing(body, "output") if answered else "Not submitted yet.")


def _missing(body: dict[str, Any], name: str) -> str:
    return f"{name}: null" if name in body else f"{name}: not sent"


def _code(body: dict[str, Any]) -> Iterator[TitledPart]:
    source = as_text(body.get("input"))
    yield (
        TitledPart("Code", truncated_text.truncate_text(source))
        if source
        else TitledPart("Code", remark=_missing(body, "input"))
    )
    outputs = body.get("outputs")
    for output in outputs if isinstance(outputs, list) else []:
        yield _code_output(as_mapping(output), output)
    if not outputs:
        yield TitledPart("Output", remark="No output was recorded.")


def _code_output(output: dict[str, Any], posted: Any) -> TitledPart:
    if output.get("type") == "logs":
        return TitledPart("Logs", truncated_text.truncate_text(as_text(output.get("logs")) or ""))
    file_id = as_text(as_mapping(output.get("image")).get("file_id"))
    if file_id is not None:
        return TitledPart("Image", file_id=file_id)
    return TitledPart("Output", truncated_text.truncate_json(posted))


def _search(body: dict[str, Any]) -> Iterator[TitledPart]:
    rest = {name: value for name, value in body.items() if name != "results"}
    if rest:
        yield TitledPart("Options", truncated_text.truncate_json(rest))
    results = body.get("results")
    if not isinstance(results, list):
        yield TitledPart("Results", remark="Servers send results only where they are asked to include them.")
        return
    yield TitledPart("Results", files=tuple(_found_file(as_mapping(each)) for each in results))


def _found_file(posted: dict[str, Any]) -> FileSearchResult:
    content = posted.get("content")
    texts = [as_text(as_mapping(part).get("text")) or "" for part in content] if isinstance(content, list) else []
    return FileSearchResult(
        as_text(posted.get("file_name")) or as_text(posted.get("file_id")) or "(no name)",
        as_text(posted.get("file_id")),
        as_text(posted.get("score")),
        truncated_text.truncate_text("\n\n".join(texts)) if texts else None,
    )


def _vendor(kind: str, posted: dict[str, Any], answered: bool) -> Iterator[TitledPart]:
    """Flat calls have arguments and output of their own; whatever else there is follows as it came."""
    if "arguments" in posted:
        yield _argument(posted)
    if "output" in posted or not answered:
        yield _output(posted, answered)
    shown = {"id", "type", "name", "arguments", "output"}
    rest = {name: value for name, value in posted.items() if name not in shown}
    if rest:
        yield TitledPart(f"{kind}, as received", truncated_text.truncate_json(rest))
