"""Fixtures for the tests of the run page."""

from __future__ import annotations

from typing import Any

import pytest

from runs.models import Project
from tests import factories


@pytest.fixture
def run_with_all_step_types(project: Project) -> dict[str, Any]:
    """A failed run with a step of each type."""
    run = factories.failed_run(tools=[
        factories.function_tool("search_orders"),
        factories.function_tool("never_used"),
        {"type": "code_interpreter"},
        {"type": "retrieval"},
        {"type": "bing_grounding", "bing_grounding": {"connection": "b1"}},
    ])  # fmt: skip
    answer = factories.message_object(run, "One moment.")
    at = run["created_at"]
    creation = {"type": "message_creation", "message_creation": {"message_id": answer["id"]}}
    code = {
        "id": "call_code",
        "type": "code_interpreter",
        "code_interpreter": {
            "input": "print(1)",
            "outputs": [{"type": "logs", "logs": "one\n"}, {"type": "image", "image": {"file_id": "file-7"}}],
        },
    }
    search = {
        "id": "call_search",
        "type": "file_search",
        "file_search": {
            "results": [
                {
                    "file_id": "file-1",
                    "file_name": "policy.md",
                    "score": 0.6800102176172463,
                    "content": [{"type": "text", "text": "Thirty days."}],
                }
            ]
        },
    }
    mcp = {
        "id": "call_mcp",
        "type": "mcp",
        "server_label": "github",
        "name": "list_issues",
        "arguments": '{"q":1}',
        "output": "none",
    }
    declared = factories.function_call("search_orders", '{"query":"48209"}', '[{"id":"A"}]')
    undeclared = factories.function_call("undeclared", "not json", None)
    activities = {"type": "activities", "activities": []}
    error = {"code": "server_error", "message": "Tool broke."}
    steps = [
        factories.step_object(run, step_details=creation, created_at=at + 1),
        factories.step_object(run, declared, undeclared, created_at=at + 2),
        factories.step_object(run, code, created_at=at + 3),
        factories.step_object(run, search, created_at=at + 4),
        factories.step_object(run, mcp, created_at=at + 5),
        factories.step_object(run, type="activities", step_details=activities, created_at=at + 6,
                              status="failed", failed_at=at + 7, completed_at=None, last_error=error),
    ]  # fmt: skip
    factories.post(project, run)
    factories.post_messages(project, answer)
    factories.post_steps(project, *steps)
    return run
