"""Asks everything of an assignment with the `openai` package, whatever its version; needs nothing else.

As a script it reads the assignment from standard input and prints the answers.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from inspect import signature
from itertools import islice
from typing import Any

import openai


def answers(client: openai.OpenAI, assignment: dict[str, Any]) -> dict[str, Any]:
    """The answers by their questions."""
    found: dict[str, Any] = unknown(client, assignment["threads"][0]["id"], assignment)
    threads = client.beta.threads
    for thread in assignment["threads"]:
        at = thread["id"]
        found[f"thread {at}"] = threads.retrieve(at).to_dict()
        for order in ("asc", "desc"):
            listed = threads.runs.list(at, limit=7, order=order)
            found[f"runs of {at} {order}"] = read(listed, thread["count"])
            said = threads.messages.list(at, limit=4, order=order)
            found[f"messages of {at} {order}"] = read(said, len(thread["messages"]))
        last = {"before": thread["last"]} if thread["last"] else {}
        earlier = threads.runs.list(at, limit=100, order="asc", **last)
        found[f"runs of {at} before the last"] = read(earlier, thread["count"])
        for message in thread["messages"]:
            found[f"message {message}"] = threads.messages.retrieve(message, thread_id=at).to_dict()
        for run, steps in thread["runs"].items():
            found[f"run {run}"] = threads.runs.retrieve(run, thread_id=at).to_dict(warnings=False)
            found |= steps_of(client, at, run, steps)
    return found


def steps_of(client: openai.OpenAI, thread: str, run: str, steps: list[str]) -> dict[str, Any]:
    """The answers about the steps of one run."""
    found: dict[str, Any] = {}
    asked = client.beta.threads.runs.steps
    include: list[Any] = ["step_details.tool_calls[*].file_search.results[*].content"]
    extra: dict[str, Any] = {"include": include} if "include" in signature(asked.list).parameters else {}
    for order in ("asc", "desc"):
        listed = asked.list(run, thread_id=thread, limit=2, order=order, **extra)
        found[f"steps of {run} {order}"] = read(listed, len(steps))
    for step in steps:
        one = asked.retrieve(step, thread_id=thread, run_id=run, **extra)
        found[f"step of {run} {step}"] = one.to_dict(warnings=False)
    return found


def read(listed: Iterable[Any], expected: int) -> list[Any]:
    """All of a list, but no further than one object too many."""
    return [each.to_dict(warnings=False) for each in islice(listed, expected + 1)]


def unknown(client: openai.OpenAI, thread: str, assignment: dict[str, Any]) -> dict[str, Any]:
    """What the client raises for ids that nothing has."""
    threads = client.beta.threads
    known = next((each["id"], run) for each in assignment["threads"] for run in each["runs"])
    return {
        "unknown thread": refusal(lambda: threads.runs.list("thread_unknown")),
        "unknown run": refusal(lambda: threads.runs.retrieve("run_unknown", thread_id=thread)),
        "unknown step": refusal(
            lambda: threads.runs.steps.retrieve("step_unknown", thread_id=known[0], run_id=known[1])
        ),
        "unknown message": refusal(lambda: threads.messages.retrieve("msg_unknown", thread_id=thread)),
        "unknown cursor": refusal(lambda: threads.runs.list(thread, after="run_unknown")),
    }


def refusal(ask: Callable[[], Any]) -> str:
    """The status and the message of the client's own exception."""
    try:
        ask()
    except openai.NotFoundError as error:
        body: Any = error.body
        return f"{error.status_code}: {body['message']}"
    return "answered"


def main() -> None:
    assignment = json.load(sys.stdin)
    client = openai.OpenAI(base_url=assignment["url"] + "/v1", api_key=assignment["key"], max_retries=0)
    json.dump(answers(client, assignment), sys.stdout)


if __name__ == "__main__":
    main()
