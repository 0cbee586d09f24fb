"""The child process of a `Sandbox`: `python -m runs.sandbox.child MODULE:FUNCTION MEMORY CPU IDLE`.

It imports the function and writes one line, and then reads batches of arguments from its standard input, one JSON
array of argument lists per line. It answers each argument list with one line, as soon as it has the result. It ends
with its parent, or when it gets nothing to do for a while.

Limits are kept by the kernel, since Python can't interrupt the code of a library: the process is killed, or runs out
of memory. It is started, not forked: a fork of a process with several threads may deadlock.
"""

from __future__ import annotations

import json
import resource
import select
import signal
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from types import TracebackType
from typing import Any

READY = b"ready\n"


def main(function_path: str, memory_bytes: int, cpu_seconds: float, idle_seconds: float) -> None:
    """Serve calls of the function at `function_path` until the input ends or stays empty for `idle_seconds`.

    `memory_bytes` limits the address space of the process, `cpu_seconds` the CPU time of each call.
    """
    sys.excepthook = _report_exception
    module, _, name = function_path.partition(":")
    function = getattr(import_module(module), name)
    _limit_resource(resource.RLIMIT_CORE, 0)
    _limit_resource(resource.RLIMIT_AS, memory_bytes)
    _write(READY)
    for line in _read_lines(idle_seconds):
        _answer_batch(function, json.loads(line), cpu_seconds)


def _answer_batch(function: Callable[..., Any], batch: list[list[Any]], cpu_seconds: float) -> None:
    for arguments in batch:
        # Nobody handles the signal of this timer, so the kernel kills the process.
        signal.setitimer(signal.ITIMER_PROF, cpu_seconds)
        result = function(*arguments)
        signal.setitimer(signal.ITIMER_PROF, 0)
        _write_value({"value": result})


def _read_lines(idle_seconds: float) -> Iterator[bytes]:
    stdin = sys.stdin.buffer
    while select.select([stdin], [], [], idle_seconds)[0]:
        line = stdin.readline()  # a batch is read as a whole before the next one is sent
        if not line:
            return
        yield line


def _limit_resource(kind: int, limit: int) -> None:
    _, hard_limit = resource.getrlimit(kind)
    soft_limit = limit if hard_limit == resource.RLIM_INFINITY else min(limit, hard_limit)
    resource.setrlimit(kind, (soft_limit, hard_limit))


def _report_exception(
    exception_type: type[BaseException], _exception: BaseException, _traceback: TracebackType | None
) -> None:
    """Tell the parent the type of the exception that ends this process. Its message may contain posted content."""
    _write_value({"exception": exception_type.__name__})


def _write_value(value: Any) -> None:
    _write(json.dumps(value).encode() + b"\n")  # in ASCII: strings may have lone surrogates


def _write(line: bytes) -> None:
    sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4]))
