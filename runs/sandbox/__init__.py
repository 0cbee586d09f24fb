"""Run a function over untrusted content in a child process that can't exceed its limits of time and memory."""

from __future__ import annotations

from runs.sandbox.process import Sandbox, SandboxResult, SandboxUnavailable

__all__ = ["Sandbox", "SandboxResult", "SandboxUnavailable"]
