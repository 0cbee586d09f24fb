"""Items of the Responses API in readable form."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from dashboard.ui.response_item_parts import build_item_parts
from dashboard.ui.titled_part import TitledPart
from dashboard.ui.tool_call_parts import parse_tool_call

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(3000)).decode()


def text_of(parts: list[TitledPart]) -> str:
    pieces = []
    for part in parts:
        pieces += [part.title, part.text.full if part.text else part.note]
        pieces += [f"{link.title} {link.url} {link.detail}" for link in part.links]
        pieces += [f"{file.name} {file.content.full if file.content else ''}" for file in part.files or ()]
    return "\n".join(pieces)


@pytest.mark.parametrize(
    ("item_type", "members", "expected"),
    [
        (
            "reasoning",
            {"summary": [{"type": "summary_text", "text": "Look it up."}]},
            ["Reasoning summary", "Look it up."],
        ),
        ("reasoning", {"summary": [], "encrypted_content": "x" * 2000}, ["2.0 kB, readable only by the model"]),
        ("reasoning", {"summary": []}, ["sent no summary"]),
        (
            "mcp_approval_request",
            {
                "server_label": "github",
                "name": "merge",
                "arguments": "{}",
                "answer": {"approve": False, "reason": "Late"},
            },
            ["merge on github", "Denied: Late"],
        ),
        ("mcp_approval_request", {"name": "merge"}, ["Not received."]),
        (
            "web_search",
            {
                "action": {
                    "type": "search",
                    "query": "oslo",
                    "sources": [{"type": "url", "url": "https://example.com/a"}],
                }
            },
            ["oslo", "https://example.com/a https://example.com/a"],
        ),
        ("web_search", {"action": {"url": "javascript:alert(1)"}}, ["javascript:alert(1) None"]),
        ("image_generation", {"result": PNG, "revised_prompt": "A fox"}, ["A fox", "image/png, 3.0 kB"]),
        ("shell", {"action": {"commands": ["ls"]}, "output": [{"stdout": "a.txt", "stderr": ""}]}, ["ls", "a.txt"]),
        (
            "apply_patch",
            {"operation": {"type": "update_file", "path": "a.py", "diff": "+x"}},
            ["update_file: a.py", "+x"],
        ),
        (
            "mcp_list_tools",
            {"server_label": "github", "tools": {"merge": {"description": "Merge."}}},
            ["github", "Merge."],
        ),
        ("new_type", {"picture": f"data:image/png;base64,{PNG}"}, ["[image/png, 3.0 kB]"]),
    ],
)
def test_item_is_readable(item_type: str, members: dict[str, Any], expected: list[str]) -> None:
    text = text_of(build_item_parts(item_type, members))
    for piece in expected:
        assert piece in text, text
    assert PNG not in text


def test_file_search_of_responses_is_readable() -> None:
    results = [{"file_id": "file-1", "filename": "policy.md", "score": 0.5, "text": "Thirty days."}]
    call = parse_tool_call(
        {"type": "file_search", "id": "fs", "file_search": {"queries": ["returns"], "results": results}}
    )
    text = text_of(call.parts)
    assert "returns" in text
    assert "policy.md Thirty days." in text


def test_code_interpreter_of_responses_is_readable() -> None:
    outputs = [{"type": "logs", "logs": "4"}, {"type": "image", "url": f"data:image/png;base64,{PNG}"}]
    call = parse_tool_call(
        {"type": "code_interpreter", "id": "ci", "code_interpreter": {"code": "2+2", "outputs": outputs}}
    )
    text = text_of(call.parts)
    assert "2+2" in text
    assert "image, image/png, 3.0 kB" in text
    assert PNG not in text


@pytest.mark.parametrize(
    ("item_type", "name"),
    [("connected_agent", "connected_agent"), ("openapi", "openapi"), ("openapi", "function"), ("azure_ai_search",) * 2],
)
def test_arguments_of_azure_are_laid_out(item_type: str, name: str) -> None:
    body = {"name": "look_up", "arguments": '{"city":"Oslo"}', "output": '[{"id":1}]', "response_metadata": '{"a":1}'}
    parts = parse_tool_call({"type": item_type, "id": "call", name: body}).parts
    texts = {part.title: part.text.full for part in parts if part.text}
    assert texts["Arguments"] == '{\n  "city": "Oslo"\n}'
    assert texts["Output"] == '[\n  {\n    "id": 1\n  }\n]'
    assert '"a": 1' in texts[f"{item_type}, as received"]
    assert parse_tool_call({"type": item_type, name: body}).posted[name] == body
