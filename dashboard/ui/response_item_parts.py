"""Items of the Responses API for reading: reasoning, approvals, searches, listed tools, commands and images.

An item of another type is shown as it was received. The data of images and files is replaced by its type and size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from dashboard.ui.posted_object import as_mapping, as_name, as_text
from dashboard.ui.readable_values import truncate_readable
from dashboard.ui.titled_part import MAX_LISTED_PARTS, CitedLink, TitledPart
from dashboard.ui.truncated_text import truncate_text
from runs.protocol.inline_data import find_inline_data, format_size

_Parts = Iterator[TitledPart]
_NO_SUMMARY = "The model sent no summary. Requests ask for it with reasoning: {summary: auto}."
_NO_SOURCES = "Not sent. Requests ask for them with include: web_search_call.action.sources."


def build_item_parts(item_type: str, members: dict[str, Any]) -> list[TitledPart]:
    """Return the readable parts of an item or a call of that type, then its other members as received."""
    read, names = _READERS.get(item_type, _DEFAULT_READER)
    parts = list(read(members))
    rest = {name: value for name, value in members.items() if name not in names and value not in (None, [], {})}
    if rest or not parts:
        parts.append(TitledPart(f"{item_type}, as received", truncate_readable(rest or members)))
    return parts


def build_citations(annotations: Any) -> list[CitedLink]:
    """Return the sources that the annotations of a text cite, each once."""
    cited = [_build_citation(as_mapping(annotation)) for annotation in _list(annotations)]
    return list(dict.fromkeys(cited))[:MAX_LISTED_PARTS]


def _build_citation(annotation: dict[str, Any]) -> CitedLink:
    inner = as_mapping(annotation.get(str(annotation.get("type")))) or annotation
    url, file_id = as_name(inner.get("url")), as_name(inner.get("file_id"))
    title = as_name(inner.get("title")) or as_name(inner.get("filename")) or url or file_id or "(no source)"
    detail = url if url and url != title else file_id if file_id and file_id != title else ""
    return CitedLink(title, web_address(url), detail or "")


def web_address(url: str | None) -> str | None:
    """Return an address of the web; None for others, which a page must not link."""
    return url if url and url.lower().startswith(("https://", "http://")) else None


def _read_reasoning(members: dict[str, Any]) -> _Parts:
    for title, name in (("Reasoning summary", "summary"), ("Reasoning", "content")):
        texts = [as_text(as_mapping(part).get("text")) for part in _list(members.get(name))]
        if text := "\n\n".join(text for text in texts if text):
            yield TitledPart(title, truncate_text(text))
    encrypted = as_text(members.get("encrypted_content"))
    if encrypted:
        yield TitledPart("Encrypted reasoning", note=f"{format_size(len(encrypted))}, readable only by the model.")
    if not any(members.get(name) for name in ("summary", "content", "encrypted_content")):
        yield TitledPart("Reasoning", note=_NO_SUMMARY)


def _read_approval_request(members: dict[str, Any]) -> _Parts:
    server = as_name(members.get("server_label"))
    name = as_name(members.get("name")) or "(no name)"
    yield TitledPart("Tool to approve", note=f"{name} on {server}" if server else name)
    if members.get("arguments") is not None:
        yield TitledPart("Arguments", truncate_readable(members["arguments"]))
    answer = as_mapping(members.get("answer"))
    reason = as_name(answer.get("reason"))
    outcome = {True: "Approved", False: "Denied"}.get(answer.get("approve"), "Not received")  # type: ignore[arg-type]
    yield TitledPart("Answer", note=f"{outcome}: {reason}" if reason else f"{outcome}.")


def _read_web_search(members: dict[str, Any]) -> _Parts:
    action = as_mapping(members.get("action"))
    queries = [as_name(query) for query in _list(action.get("queries")) or [action.get("query")] if query]
    if queries:
        yield TitledPart("Queries", truncate_text("\n".join(query for query in queries if query)))
    if url := as_name(action.get("url")):
        yield TitledPart("Opened page", links=(CitedLink(url, web_address(url), as_name(action.get("pattern")) or ""),))
    sources = [as_mapping(source) for source in _list(action.get("sources")) + _list(members.get("results"))]
    links = tuple(_build_citation(source) for source in sources[:MAX_LISTED_PARTS])
    if links:
        yield TitledPart("Results", links=links)
    elif queries:
        yield TitledPart("Results", note=_NO_SOURCES)


def _read_image_generation(members: dict[str, Any]) -> _Parts:
    if prompt := as_text(members.get("revised_prompt")):
        yield TitledPart("Revised prompt", truncate_text(prompt))
    result = members.get("result")
    data = find_inline_data(result) if isinstance(result, str) else None
    kind = f"image/{as_name(members.get('output_format')) or 'png'}"
    facts = [kind if data is None or data.media_type is None else data.media_type]
    facts += [format_size(data.size)] if data else []
    facts += [text for name in ("size", "quality") if (text := as_name(members.get(name)))]
    yield TitledPart("Image", note=", ".join(facts) if result else "No image was received.")


def _read_listed_tools(members: dict[str, Any]) -> _Parts:
    server = as_name(members.get("server_label")) or "the server"
    tools = as_mapping(members.get("tools"))
    links = [
        CitedLink(str(name), detail=as_name(as_mapping(tool).get("description")) or "") for name, tool in tools.items()
    ]
    yield TitledPart(f"Tools of {server}", links=tuple(links[:MAX_LISTED_PARTS]), note="The server listed no tools.")


def _read_commands(members: dict[str, Any]) -> _Parts:
    action = as_mapping(members.get("action"))
    commands = _list(action.get("commands")) or [" ".join(map(str, _list(action.get("command"))))]
    if text := "\n".join(str(command) for command in commands if command):
        yield TitledPart("Command", truncate_text(text))
    for output in _list(members.get("output"))[:MAX_LISTED_PARTS]:
        texts = [as_text(as_mapping(output).get(name)) for name in ("stdout", "stderr")]
        yield TitledPart("Output", truncate_text("\n".join(text for text in texts if text)))
    if isinstance(members.get("output"), str):
        yield TitledPart("Output", truncate_readable(members["output"]))


def _read_patch(members: dict[str, Any]) -> _Parts:
    operation = as_mapping(members.get("operation"))
    if path := as_name(operation.get("path")):
        yield TitledPart("File", note=f"{as_name(operation.get('type')) or 'change'}: {path}")
    if diff := as_text(operation.get("diff")):
        yield TitledPart("Patch", truncate_text(diff))
    if members.get("output") is not None:
        yield TitledPart("Output", truncate_readable(members["output"]))


def _read_custom(members: dict[str, Any]) -> _Parts:
    for title, name in (("Input", "input"), ("Action", "action"), ("Arguments", "arguments"), ("Output", "output")):
        if members.get(name) is not None:
            yield TitledPart(title, truncate_readable(members[name]))


_Reader = tuple[Callable[[dict[str, Any]], _Parts], tuple[str, ...]]  # with the names of the members that it reads
# Tools of Azure and types of later versions: their arguments are JSON in a string.
_DEFAULT_READER: _Reader = (_read_custom, ("input", "action", "arguments", "output"))
_READERS: dict[str, _Reader] = {
    "reasoning": (_read_reasoning, ("summary", "content", "encrypted_content")),
    "mcp_approval_request": (_read_approval_request, ("server_label", "name", "arguments", "answer")),
    "mcp_list_tools": (_read_listed_tools, ("type", "id", "server_label", "tools")),
    "web_search": (_read_web_search, ("action", "results")),
    "image_generation": (_read_image_generation, ("result", "revised_prompt", "output_format", "size", "quality")),
    "local_shell": (_read_commands, ("action", "output")),
    "shell": (_read_commands, ("action", "output")),
    "apply_patch": (_read_patch, ("operation", "output")),
    "custom": (_read_custom, ("input", "output")),
    "computer": (_read_custom, ("action", "output")),
    "tool_search": (_read_custom, ("arguments", "output")),
    "x_search": (_read_custom, ("action", "input", "arguments", "output")),
}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
