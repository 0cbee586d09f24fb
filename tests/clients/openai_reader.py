"""Perform a task with any version of the `openai` package. Needs no other package.

As a script, read the task from standard input and print the results.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from inspect import signature
from itertools import islice
from typing import Any

import openai


def read_all(client: openai.OpenAI, task: dict[str, Any]) -> dict[str, Any]:
    """Return the results by name."""
    results: dict[str, Any] = read_unknown_ids(client, task["threads"][0]["id"], task)
    threads = client.beta.threads
    for thread in task["threads"]:
        thread_id = thread["id"]
        results[f"thread {thread_id}"] = threads.retrieve(thread_id).to_dict()
        for order in ("asc", "desc"):
            listed = threads.runs.list(thread_id, limit=7, order=order)
            results[f"runs of {thread_id} {order}"] = read_list(listed, thread["count"])
            messages = threads.messages.list(thread_id, limit=4, order=order)
            results[f"messages of {thread_id} {order}"] = read_list(messages, len(thread["messages"]))
        last = {"before": thread["last"]} if thread["last"] else {}
        earlier = threads.runs.list(thread_id, limit=100, order="asc", **last)
        results[f"runs of {thread_id} before the last"] = read_list(earlier, thread["count"])
        for message in thread["messages"]:
            results[f"message {message}"] = threads.messages.retrieve(message, thread_id=thread_id).to_dict()
        for run, steps in thread["runs"].items():
            results[f"run {run}"] = threads.runs.retrieve(run, thread_id=thread_id).to_dict(warnings=False)
            results |= read_steps(client, thread_id, run, steps)
    return results


def read_steps(client: openai.OpenAI, thread: str, run: str, steps: list[str]) -> dict[str, Any]:
    """Return the results for the steps of one run."""
    results: dict[str, Any] = {}
    run_steps = client.beta.threads.runs.steps
    include: list[Any] = ["step_details.tool_calls[*].file_search.results[*].content"]
    extra: dict[str, Any] = {"include": include} if "include" in signature(run_steps.list).parameters else {}
    for order in ("asc", "desc"):
        listed = run_steps.list(run, thread_id=thread, limit=2, order=order, **extra)
        results[f"steps of {run} {order}"] = read_list(listed, len(steps))
    for step in steps:
        response = run_steps.retrieve(step, thread_id=thread, run_id=run, **extra)
        results[f"step of {run} {step}"] = response.to_dict(warnings=False)
    return results


def read_list(listed: Iterable[Any], expected: int) -> list[Any]:
    """Return the objects of a list, up to one object too many."""
    return [item.to_dict(warnings=False) for item in islice(listed, expected + 1)]


def read_unknown_ids(client: openai.OpenAI, thread: str, task: dict[str, Any]) -> dict[str, Any]:
    """Return the errors that the client raises for unknown ids."""
    threads = client.beta.threads
    thread_id, run_id = next((item["id"], run) for item in task["threads"] for run in item["runs"])
    return {
        "unknown thread": get_error(lambda: threads.runs.list("thread_unknown")),
        "unknown run": get_error(lambda: threads.runs.retrieve("run_unknown", thread_id=thread)),
        "unknown step": get_error(
            lambda: threads.runs.steps.retrieve("step_unknown", thread_id=thread_id, run_id=run_id)
        ),
        "unknown message": get_error(lambda: threads.messages.retrieve("msg_unknown", thread_id=thread)),
        "unknown cursor": get_error(lambda: threads.runs.list(thread, after="run_unknown")),
    }


def get_error(request: Callable[[], Any]) -> str:
    """Return status and message of the client's exception."""
    try:
        request()
    except openai.NotFoundError as error:
        body: Any = error.body
        return f"{error.status_code}: {body['message']}"
    return "no error"


def main() -> None:
    task = json.load(sys.stdin)
    client = openai.OpenAI(base_url=task["url"] + "/v1", api_key=task["key"], max_retries=0)
    json.dump(read_all(client, task), sys.stdout)


if __name__ == "__main__":
    main()
