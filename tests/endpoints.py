"""Every URL of the resolver, for tests of the site as a whole."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from runs.models import ErrorGroup, Project
from tests import factories

API_PREFIXES = ("api/", "v1/", "openai/", "mcp")
MAX_CPU_SECONDS = 1.5
ARGUMENT = re.compile(r"<(?:\w+:)?(\w+)>")


@dataclass(frozen=True)
class Endpoint:
    """A pattern of the resolver: its route, and the valid values of its arguments."""

    route: str
    arguments: Mapping[str, str]

    def path(self, **hostile: str) -> str:
        values = {name: quote(value, safe="/") for name, value in self.arguments.items()} | hostile
        return "/" + ARGUMENT.sub(lambda argument: values[argument[1]], self.route)

    @property
    def is_api(self) -> bool:
        return self.route.startswith(API_PREFIXES)


def iterate_routes(patterns: Sequence[URLPattern | URLResolver], prefix: str = "") -> Iterator[str]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from iterate_routes(pattern.url_patterns, route)
        else:
            yield route


def store_records_and_list_endpoints(project: Project) -> list[Endpoint]:
    """Store a record of every kind, and return every URL of the site with the arguments of these records."""
    posted = factories.failed_run(
        thread_id="thread_1",
        assistant_id="asst_1",
        metadata={"customer": "acme"},
        tools=[factories.function_tool("lookup")],
    )
    run = factories.post_run(project, **posted)
    factories.post_steps(project, factories.step_object(posted, factories.function_call("lookup")))
    factories.post_messages(project, factories.message_object(posted))
    known = {
        "project": project.slug,
        "run_id": run.external_id,
        "thread_id": "thread_1",
        "assistant_id": "asst_1",
        "tool_type": "function",
        "tool_name": "lookup",
        "group_id": str(ErrorGroup.objects.get().pk),
    }
    routes = dict.fromkeys(iterate_routes(get_resolver().url_patterns))
    return [Endpoint(route, {name: known.get(name, "1") for name in ARGUMENT.findall(route)}) for route in routes]


class Caller:
    """Sends GET requests as a viewer, or with an API key that may read, and checks the answers."""

    def __init__(self, project: Project) -> None:
        self._viewer = Client(raise_request_exception=False)
        self._viewer.force_login(factories.make_user(project, "viewer"))
        self._headers = {"Authorization": f"Bearer {factories.make_key(project, 'read')}"}
        self._key = Client(raise_request_exception=False)
        self.faults: list[str] = []

    def get(self, endpoint: Endpoint, url: str) -> int:
        """Return the status. Server errors and slow answers are collected in `faults`."""
        started = time.thread_time()
        if endpoint.is_api:
            response: Any = self._key.get(url, headers=self._headers)
        else:
            response = self._viewer.get(url)
        _ = b"".join(response.streaming_content) if response.streaming else response.content
        elapsed = time.thread_time() - started
        if response.status_code >= 500 or elapsed > MAX_CPU_SECONDS:
            self.faults.append(f"{response.status_code} after {elapsed:.2f} s: {url[:160]} ({len(url):,})")
        return int(response.status_code)
