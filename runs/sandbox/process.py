"""The parent's side of a sandbox: it starts the child process, hands it work and replaces it when it dies."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import runs
from runs.sandbox.child import READY

MAX_BATCH_SIZE = 32  # calls that are sent at once
IDLE_SECONDS = 20.0  # after which the child ends, to free its memory
_READ_SIZE = 65_536
_SOURCE_DIRECTORY = Path(runs.__file__).parent.parent


class SandboxUnavailable(Exception):
    """The child process can't be started, or not in time. The content is not to blame."""


@dataclass(frozen=True, slots=True)
class SandboxResult:
    """The value of a call, or the reason why there is none: the call exceeded a limit or failed."""

    value: Any = None
    failure: str = ""


class Sandbox:
    """Calls a pure function with JSON values in a child process, which is started when it is first needed.

    `function_path` is "module:function". The module is imported by the child, so it should import little.
    `memory_bytes` limits the address space of the child including its code, `cpu_seconds` the CPU time of each call.
    """

    def __init__(self, function_path: str, *, memory_bytes: int, cpu_seconds: float) -> None:
        self._arguments = [function_path, str(memory_bytes), str(cpu_seconds), str(IDLE_SECONDS)]
        self._cpu_seconds, self._memory_bytes = cpu_seconds, memory_bytes
        self._lock = threading.Lock()
        self._process: _ChildProcess | None = None

    def call_each(self, calls: Sequence[Sequence[Any]], timeout: float) -> list[SandboxResult]:
        """Call the function with each argument list of `calls`, and return the results in order.

        After `timeout` seconds, the results so far are returned, so the list may be shorter than `calls`. Raises
        SandboxUnavailable.
        """
        deadline = time.monotonic() + timeout
        results: list[SandboxResult] = []
        if not self._lock.acquire(timeout=timeout):
            raise SandboxUnavailable("the child process is busy with other calls")
        try:
            while len(results) < len(calls) and time.monotonic() < deadline:
                results += self._call_batch(calls[len(results) : len(results) + MAX_BATCH_SIZE], deadline)
        finally:
            self._lock.release()
        return results

    def close(self) -> None:
        """End the child process. The next call starts another one."""
        with self._lock:
            self._end_process()

    def _call_batch(self, batch: Sequence[Sequence[Any]], deadline: float) -> list[SandboxResult]:
        """Return the results of the first calls of `batch`. Raises SandboxUnavailable."""
        process = self._process = self._process or _ChildProcess(self._arguments)
        try:
            process.wait_until_ready(deadline)
        except SandboxUnavailable:
            if process.has_ended:
                self._end_process()
            raise
        process.send(batch)
        answers = [json.loads(line) for line in process.receive(len(batch), deadline)]
        results = [SandboxResult(answer["value"]) for answer in answers if "value" in answer]
        if len(results) == len(batch):
            process.has_answered = True
            return results

        # The child is too slow, or dead. If it ran out of memory, earlier calls may be to blame: then the next call is
        # repeated in a new child.
        is_first_call = not process.has_answered and not results
        exit_code = self._end_process()
        if exit_code == -signal.SIGPROF:
            results.append(SandboxResult(failure=f"more than {self._cpu_seconds:g} s of CPU time"))
        elif is_first_call and exit_code not in (0, -signal.SIGKILL):
            exception = answers[-1]["exception"] if answers else f"exit code {exit_code}"
            results.append(SandboxResult(failure=self._describe_exception(exception)))
        return results

    def _describe_exception(self, name: str) -> str:
        return f"more than {self._memory_bytes // 2**20:,} MB of memory" if name == "MemoryError" else name

    def _end_process(self) -> int:
        process, self._process = self._process, None
        return 0 if process is None else process.end()


class _ChildProcess:
    """A running child. `has_answered` tells whether it has answered a whole batch."""

    def __init__(self, arguments: list[str]) -> None:
        self.has_answered = False
        self._is_ready = False
        self._buffer = b""
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", "runs.sandbox.child", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            cwd=_SOURCE_DIRECTORY,
            start_new_session=True,  # Ctrl-C is for the parent, with which the child ends
        )

    def wait_until_ready(self, deadline: float) -> None:
        """Wait until the child has imported the function. Raises SandboxUnavailable if it can't, or at `deadline`."""
        if self._is_ready:
            return
        self._is_ready = self.receive(1, deadline) == [READY.strip()]
        if not self._is_ready:
            raise SandboxUnavailable("the child process has not started yet")

    @property
    def has_ended(self) -> bool:
        """Return whether the child has ended by itself."""
        return self._process.poll() is not None

    def send(self, batch: Sequence[Sequence[Any]]) -> None:
        """Send calls. If the child has just ended, `receive` finds that."""
        rest = memoryview(json.dumps(batch).encode() + b"\n")
        with suppress(BrokenPipeError):
            while rest:
                rest = rest[os.write(self._stdin, rest) :]

    def receive(self, count: int, deadline: float) -> list[bytes]:
        """Return `count` lines, or fewer if the child ends or `deadline` passes."""
        while self._buffer.count(b"\n") < count:
            if not select.select([self._stdout], [], [], max(0.0, deadline - time.monotonic()))[0]:
                break
            chunk = os.read(self._stdout, _READ_SIZE)
            if not chunk:
                self._process.wait()
                break
            self._buffer += chunk
        *lines, self._buffer = self._buffer.split(b"\n")
        return lines

    def end(self) -> int:
        """Kill the child unless it has ended, and return its exit code."""
        with self._process as process:  # closes the pipes and waits
            process.kill()
        return process.returncode

    @property
    def _stdin(self) -> int:
        assert self._process.stdin is not None  # noqa: S101 - a pipe
        return self._process.stdin.fileno()

    @property
    def _stdout(self) -> int:
        assert self._process.stdout is not None  # noqa: S101 - a pipe
        return self._process.stdout.fileno()
