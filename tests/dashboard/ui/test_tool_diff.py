"""The differences between two lists of tools."""

from __future__ import annotations

from dashboard.ui.json_diff import diff_json
from dashboard.ui.tool_diff import diff_tools
from runs.protocol.lossless_json import parse_json


def test_unnamed_tools_are_matched_by_type() -> None:
    diff = diff_tools([{"type": "file_search"}], [{"type": "code_interpreter"}, {"type": "file_search"}])
    assert (diff.added, diff.removed, diff.unchanged_count) == (("code_interpreter",), (), 1)


def test_pointers_are_escaped() -> None:
    left, right = parse_json('{"a/b": {"c~d": 1}}'), parse_json('{"a/b": {"c~d": 2}}')
    assert [pointer for pointer, _, _ in diff_json(left, right)] == ["/a~1b/c~0d"]
