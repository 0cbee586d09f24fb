"""A sandbox survives whatever the function does, and tells which call was to blame."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from runs.sandbox import Sandbox, SandboxResult, SandboxUnavailable


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    sandbox = Sandbox("tests.runs.sandbox.functions:misbehave", memory_bytes=150 * 2**20, cpu_seconds=0.5)
    yield sandbox
    sandbox.close()


def test_results_come_in_order() -> None:
    sandbox = Sandbox("tests.runs.sandbox.functions:double", memory_bytes=150 * 2**20, cpu_seconds=1)
    assert [result.value for result in sandbox.call_each([[n] for n in range(200)], 30)] == list(range(0, 400, 2))
    sandbox.close()
    assert sandbox.call_each([[4]], 30) == [SandboxResult(8)]  # in a new process
    sandbox.close()


@pytest.mark.parametrize(
    ("how", "failure"),
    [
        ("loop", "more than 0.5 s of CPU time"),
        ("backtrack", "more than 0.5 s of CPU time"),
        ("allocate", "more than 150 MB of memory"),
        ("raise", "KeyError"),
        ("exit", "exit code 7"),
    ],
)
def test_only_the_guilty_call_fails(sandbox: Sandbox, how: str, failure: str) -> None:
    results = sandbox.call_each([["before"], [how], ["after \ud800"]], 30)
    assert results == [SandboxResult("before"), SandboxResult(failure=failure), SandboxResult("after \ud800")]


def test_memory_of_earlier_calls_is_not_blamed(sandbox: Sandbox) -> None:
    assert sandbox.call_each([["leak"]] * 6, 30) == [SandboxResult("leak")] * 6


def test_slow_batch_returns_its_first_results(sandbox: Sandbox) -> None:
    sandbox.call_each([["warm up"]], 30)
    begin = time.monotonic()
    assert sandbox.call_each([["first"], ["sleep"], ["last"]], 0.5) == [SandboxResult("first")]
    assert time.monotonic() - begin < 2
    assert sandbox.call_each([["next"]], 30) == [SandboxResult("next")]


def test_missing_function_blames_no_call() -> None:
    sandbox = Sandbox("tests.runs.sandbox.functions:missing", memory_bytes=2**28, cpu_seconds=1)
    for _ in range(2):
        with pytest.raises(SandboxUnavailable):
            sandbox.call_each([[1]], 30)
