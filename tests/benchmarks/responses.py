"""Responses of agents, as the Responses API returns them."""

from __future__ import annotations

from typing import Any


def build_response(seed: int, index: int, created_at: int) -> dict[str, Any]:
    """Return a completed response created at `created_at` (seconds), one of twenty agents."""
    content = [{"type": "output_text", "text": "Your order is on its way. " * 8, "annotations": []}]
    message = {"id": f"msg_{seed}_{index}", "type": "message", "role": "assistant", "status": "completed"}
    return {
        "id": f"resp_{seed}_{index}",
        "object": "response",
        "created_at": created_at,
        "completed_at": created_at + 3,
        "status": "completed",
        "model": "gpt-5-mini-2025-08-07",
        "instructions": "You help people find their orders.",
        "output": [message | {"content": content}],
        "tools": [{"type": "function", "name": "search_orders", "parameters": {"type": "object"}}],
        "usage": {"input_tokens": 900, "output_tokens": 80, "total_tokens": 980},
        "metadata": {"agent": f"agent-{index % 20}"},
    }
