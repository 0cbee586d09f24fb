"""The calls of server-side tools in steps: code interpreter, searches, and the tools of Azure."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

from runs.demo.functions import make_amount, make_sku
from runs.demo.ids import make_token
from runs.demo.phrases import CODE, DOCUMENTS, PASSAGES

Content = dict[str, Any]


def _code_interpreter(rng: Random, _: Content) -> Content:
    written, logs = rng.choice(CODE)
    outputs: list[Content] = []
    if logs:
        outputs.append({"type": "logs", "logs": logs.format(a=rng.randrange(100, 9000), b=make_amount(rng))})
    if rng.random() < 0.35:
        outputs.append({"type": "image", "image": {"file_id": f"file-{make_token(rng, 22)}"}})
    return {"input": written.format(n=rng.randrange(3, 60)), "outputs": outputs}


def _file_search(rng: Random, options: Content) -> Content:
    """Return results with falling scores above the threshold, with texts in half of the cases."""
    ranking = options.get("ranking_options", {"ranker": "auto", "score_threshold": 0.0})
    with_text = rng.random() < 0.5
    score = 0.97 - rng.random() * 0.2
    results: list[Content] = []
    for file_id, file_name in rng.sample(DOCUMENTS, rng.randrange(0, 4)):
        result: Content = {"file_id": file_id, "file_name": file_name, "score": score, "attributes": {}}
        if with_text:
            result["content"] = [{"type": "text", "text": rng.choice(PASSAGES)}]
        results.append(result)
        score = max(ranking["score_threshold"], score * (0.6 + rng.random() * 0.35))
    return {"ranking_options": ranking, "results": results}


def _retrieval(_: Random, __: Content) -> Content:
    return {}


def _openapi(rng: Random, _: Content) -> Content:
    number = f"PO-{rng.randrange(10_000, 99_999)}"
    lines = [
        {"sku": make_sku(rng), "ordered": 40, "received": rng.randrange(30, 41)} for _ in range(rng.randrange(1, 9))
    ]
    return {
        "name": "erp_getPurchaseOrder",
        "arguments": json.dumps({"number": number, "expand": "receipts"}),
        "output": json.dumps({"number": number, "state": "open", "lines": lines}),
    }


def _azure_ai_search(rng: Random, _: Content) -> Content:
    hits = [
        {"title": f"INV-{rng.randrange(10_000, 99_999)}.pdf", "amount": make_amount(rng, 90, 5000), "score": 2.1}
        for _ in range(rng.randrange(0, 5))
    ]
    return {"input": f"invoice {make_amount(rng, 90, 5000)} EUR freight", "output": json.dumps({"documents": hits})}


def _bing_grounding(rng: Random, _: Content) -> Content:
    query = f"VAT+number+DE{rng.randrange(10**8, 10**9)}"
    return {
        "requesturl": f"https://api.bing.microsoft.com/v7.0/search?q={query}",
        "response_metadata": json.dumps({"market": "en-IE", "num_docs_retrieved": rng.randrange(0, 9)}),
    }


def _connected_agent(rng: Random, definition: Content) -> Content:
    return {
        "name": definition["name"],
        "arguments": f"Is the pallet deposit of {make_amount(rng)} EUR on a delivery from AT to DE subject to VAT?",
        "output": "The deposit is taxed like the goods: intra-community acquisition, reverse charge.",
        "run_id": f"run_{make_token(rng)}",
        "thread_id": f"thread_{make_token(rng)}",
        "agent_id": definition["id"],
    }


_CONTENTS: dict[str, Callable[[Random, Content], Content]] = {
    "code_interpreter": _code_interpreter,
    "file_search": _file_search,
    "retrieval": _retrieval,
    "openapi": _openapi,
    "azure_ai_search": _azure_ai_search,
    "bing_grounding": _bing_grounding,
    "connected_agent": _connected_agent,
}


# The values of results that are missing.
_RESULTS: dict[str, Any] = {"outputs": [], "results": [], "output": None, "response_metadata": None}


def make_server_call(rng: Random, tool: Content, *, finished: bool) -> Content:
    """Return the tool call of a step for a tool definition. An unfinished call has no results.

    The key of the content is the type, except for `openapi`, for which the server writes `open_api`.
    """
    kind = tool["type"]
    content = _CONTENTS[kind](rng, tool.get(kind, {}))
    if not finished:
        content = {name: _RESULTS.get(name, value) for name, value in content.items()}
    return {"id": f"call_{make_token(rng)}", "type": kind, "open_api" if kind == "openapi" else kind: content}
