"""Functions that a sandbox calls: each misbehaves if it is asked to."""

from __future__ import annotations

import os
import time

_kept: list[bytes] = []


def double(number: int) -> int:
    return 2 * number


def misbehave(how: str) -> str:
    match how:
        case "loop":
            while True:
                pass
        case "backtrack":
            return str("a" * 40 == "b" or __import__("re").match(r"^(a+)+$", "a" * 40 + "b"))
        case "allocate":
            return str(len(b"x" * 10**9))
        case "leak":
            _kept.append(b"x" * 60_000_000)
        case "raise":
            raise KeyError("secret")
        case "exit":
            os._exit(7)
        case "sleep":
            time.sleep(60)
    return how


def validate(_schema: str, arguments: str) -> list[str]:
    """Find nothing, or never end."""
    misbehave(arguments.split()[0])
    return []
