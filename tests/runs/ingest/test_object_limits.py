"""Objects beyond a limit are refused with the place, the limit and what was found, before they cost anything."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from typing import Any

import pytest

from runs.errors import InvalidObject
from runs.ingest.object_limits import ObjectLimits, check_object_limits, load_object_limits
from runs.models import Project
from tests import factories
from tests.factories import function_tool, run_object

LIMITS = ObjectLimits(object_bytes=40_000, values=1000, field_bytes=20_000, names=100, tools=10)


def find_problems(posted: Any) -> dict[str, str]:
    raw = posted if isinstance(posted, bytes) else json.dumps(posted).encode()
    try:
        check_object_limits(raw, LIMITS)
    except InvalidObject as error:
        return {problem.path: problem.message for problem in error.problems}
    return {}


def named(count: int) -> dict[str, Any]:
    return {f"key {number}": number for number in range(count)}


@pytest.mark.parametrize(
    "posted",
    [
        run_object(),
        run_object(instructions=":,{[" * 4000),
        run_object(metadata=named(100)),
        run_object(tools=[function_tool("f")] * 10),
        run_object(tools=[function_tool("f", **named(95))] * 5),
        run_object(vendor=[0] * 900),
        b"[" * 10_000,
        b'{"a":"' + b"x" * 10_000,
    ],
    ids=lambda posted: str(posted)[-20:],
)
def test_objects_within_limits_pass(posted: Any) -> None:
    assert find_problems(posted) == {}


@pytest.mark.parametrize(
    ("posted", "path", "message"),
    [
        (run_object(a="x" * 19_000, b="x" * 19_000, c="x" * 5000), "", "larger than 40,000 bytes, the limit that RUNG"),
        (run_object(instructions="x" * 30_000), "/instructions", "larger than 20,000 bytes, the limit that RUNGLASS_"),
        (run_object(metadata=named(101)), "/metadata", "more than 100 names, the limit that RUNGLASS_MAX_OBJECT_NAM"),
        (run_object() | named(101), "", "more than 100 names"),
        (run_object() | named(1800), "", "more than 100 names"),
        (run_object(tools=[{"type": "x"}] * 11), "/tools", "more than 10 tools, the limit that RUNGLASS_MAX_TOOLS set"),
        (run_object(tools=[{}, {"a/b~": named(101)}]), "/tools/1/a~1b~0", "more than 100 names"),
        (run_object(vendor=[0] * 1001), "", "more than 1,000 values, the limit that RUNGLASS_MAX_OBJECT_VALUES sets"),
        (run_object(vendor=[[0] * 40] * 40), "", "more than 1,000 values"),
    ],
    ids=range(9),
)
def test_objects_beyond_limits_are_refused(posted: Any, path: str, message: str) -> None:
    problems = find_problems(posted)
    assert list(problems) == [path]
    assert problems[path].startswith(message)


def test_rejected_object_leaves_others_stored(project: Project, settings: Any) -> None:
    settings.MAX_OBJECT_NAMES, settings.MAX_FIELD_BYTES = 50, 5000
    report = factories.post(project, run_object(), run_object(metadata=named(2000)), run_object(status="x" * 6000))
    assert report.counts["created"] == 1
    assert [(problem.index, problem.path) for problem in report.errors] == [(1, "/metadata"), (2, "/status")]


def test_defaults_admit_what_servers_send() -> None:
    limits = load_object_limits()
    tools = [function_tool(f"f{number}", **{f"p{n}": {"type": "string", "enum": ["a"] * 50} for n in range(12)})
             for number in range(128)]  # fmt: skip
    posted = run_object(tools=tools, instructions="x" * 256_000, metadata=named(16))
    check_object_limits(json.dumps(posted).encode(), limits)


def test_checking_takes_little_time() -> None:
    limits = load_object_limits()
    bombs = [
        b'{"metadata":{' + b",".join(b'"%d":0' % number for number in range(700_000)) + b"}}",
        b'{"vendor":[' + b"0," * 3_000_000 + b"0]}",
        b'{"vendor":' + b"[" * 1_000_000 + b"]" * 1_000_000 + b"}",
    ]
    started = time.process_time()
    for bomb in bombs[:2]:
        with pytest.raises(InvalidObject):
            check_object_limits(bomb, limits)
    check_object_limits(bombs[2], limits)
    assert time.process_time() - started < 2


PARSE_LARGE_BODIES = """
import django
django.setup()
from runs.errors import RunglassError
from runs.ingest.request_bodies import parse_body
named = bytearray(b'{"id":1')
for number in range(1_500_000):
    named += b',"%d":0' % number
for body in (bytes(named + b'}'), b'{"a":[' + b'0,' * 10_000_000):
    try:
        assert parse_body(body, 'application/json').single
    except RunglassError as error:
        print(error.message)
"""


def test_large_objects_take_little_memory() -> None:
    def limit_memory() -> None:
        resource.setrlimit(resource.RLIMIT_DATA, (300 * 1024 * 1024,) * 2)

    child = subprocess.run(
        [sys.executable, "-c", PARSE_LARGE_BODIES],
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "dashboard.settings", "RUNGLASS_SECRET_KEY": "x" * 50},
        preexec_fn=limit_memory,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert child.returncode == 0, child.stderr[-2000:]
    assert child.stdout.startswith("not JSON:")
