"""Call a tool: check its arguments, limit its time, and render its answer or its error."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from dashboard.mcp.posted_text import CONTENT_NOTICE
from dashboard.mcp.token_budget import fit_into_budget
from dashboard.mcp.tool import DEFAULT_MAX_TOKENS, McpTool, ToolContext
from dashboard.web.read_time_limit_middleware import limit_read_time
from runs.errors import Problem, RunglassError
from runs.protocol.lossless_json import convert_json
from runs.query.did_you_mean import find_closest_match

_ARGUMENT_ERROR = re.compile(r"(?P<message>.*?)(?: - at `\$\.?(?P<path>.*)`)?", re.DOTALL)


class InvalidArguments(RunglassError):
    """The arguments are invalid."""

    code = "invalid_arguments"


def call_tool(context: ToolContext, tool: McpTool, arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the result of a call. Errors are results, too, so that the model reads them and can try again."""
    try:
        parsed = parse_arguments(tool, arguments)
        with limit_read_time():
            answer = tool.answer(context, parsed)
    except RunglassError as error:
        return _render_error(error)
    content = {"project": context.project.slug, "notice": CONTENT_NOTICE, **answer}
    fitted = fit_into_budget(content, getattr(parsed, "max_tokens", DEFAULT_MAX_TOKENS))
    return {"content": [_render_text(fitted)], "structuredContent": fitted, "isError": False}


def parse_arguments(tool: McpTool, arguments: dict[str, Any]) -> Any:
    """Return the arguments of a call.

    Raises:
        InvalidArguments: an argument is unknown or missing, or has a value of the wrong type.
    """
    names = tool.arguments.__struct_encode_fields__
    unknown = [Problem(name, _describe_unknown(name, names)) for name in arguments if name not in names]
    if unknown:
        raise _build_argument_error(unknown)
    try:
        return convert_json(arguments, tool.arguments)
    except msgspec.ValidationError as error:
        parts = _ARGUMENT_ERROR.fullmatch(str(error))
        path, message = (parts["path"], parts["message"]) if parts else (None, str(error))
        raise _build_argument_error([Problem(path or "", message)]) from error


def _describe_unknown(name: str, names: tuple[str, ...]) -> str:
    closest = find_closest_match(name[:100], names)
    expected = f"expected {', '.join(names)}" if names else "this tool takes none"
    hint = f"did you mean '{closest}'?" if closest else expected
    return f"unknown argument; {hint}"


def _build_argument_error(problems: list[Problem]) -> InvalidArguments:
    texts = (f"{problem.path[:100]}: {problem.message}" if problem.path else problem.message for problem in problems)
    return InvalidArguments("; ".join(texts), problems)


def _render_error(error: RunglassError) -> dict[str, Any]:
    problems = [{"argument": problem.path[:100], "message": problem.message} for problem in error.problems]
    content = {"error": {"code": error.code, "message": error.message, "problems": problems}}
    return {"content": [_render_text(content)], "isError": True}


def _render_text(content: dict[str, Any]) -> dict[str, Any]:
    """Return the content as JSON text, for clients that do not read structured content."""
    return {"type": "text", "text": msgspec.json.encode(content).decode()}
