"""Clients of the Model Context Protocol: the official package for Python, and the inspector's command line."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from django.core.servers.basehttp import WSGIRequestHandler
from django.db import connection
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from pytest_django.live_server_helper import LiveServer

from dashboard.mcp.tools import TOOLS
from tests import factories

INSPECTOR = "@modelcontextprotocol/inspector@2.12.0"
# How the client connects: it tries the newest revision first, negotiates one, or starts with the newest.
MODES = {"auto": "2026-07-28", "legacy": "2025-11-25", "2026-07-28": "2026-07-28"}


@pytest.fixture
def key(live_server: LiveServer, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return an API key for a project with a failed run."""
    # Clients keep connections open, and so keep the server's threads and their database sessions.
    monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", 0)
    # The server sends header and body separately and would wait for an acknowledgement between them.
    monkeypatch.setattr(WSGIRequestHandler, "disable_nagle_algorithm", True)
    project = factories.make_project()
    factories.post_run(project, **factories.failed_run(id="run_bad"))
    return factories.make_key(project, "read")


@asynccontextmanager
async def connect(live_server: LiveServer, key: str, mode: str) -> AsyncIterator[Client]:
    headers = {"Authorization": f"Bearer {key}"}
    async with (
        httpx2.AsyncClient(headers=headers) as http_client,
        Client(streamable_http_client(f"{live_server.url}/mcp", http_client=http_client), mode=mode) as client,
    ):
        yield client


def run_async(work: Callable[[], Coroutine[None, None, None]]) -> None:
    """Run asynchronous work in a thread of its own: the browser of other tests keeps an event loop in this one."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        pool.submit(anyio.run, work).result()


@pytest.mark.parametrize("mode", MODES)
def test_python_client_calls_tools(live_server: LiveServer, key: str, mode: str) -> None:
    async def read() -> None:
        async with connect(live_server, key, mode) as client:
            assert client.protocol_version == MODES[mode]
            listed = await client.list_tools()
            assert [tool.name for tool in listed.tools] == list(TOOLS)
            # the client validates structured content against the output schema
            found = await client.call_tool("search_runs", {"query": "status:failed"})
            assert found.structured_content["runs"][0]["id"] == "run_bad"
            explained = await client.call_tool("explain_failure", {"run_id": "run_bad"})
            assert explained.structured_content["error"]["code"] == "rate_limit_exceeded"
            failed = await client.call_tool("search_runs", {"query": "stats:failed"})
            assert failed.is_error
            with pytest.raises(MCPError, match="did you mean 'get_run'"):
                await client.call_tool("get_runs", {})

    run_async(read)


@pytest.mark.parametrize("mode", MODES)
def test_python_client_names_unknown_key(live_server: LiveServer, key: str, mode: str) -> None:
    async def read() -> None:
        async with connect(live_server, "rg_unknown", mode) as client:
            await client.list_tools()

    with pytest.raises(BaseExceptionGroup) as raised:
        run_async(read)
    assert raised.group_contains(MCPError, match="The API key is unknown, revoked or expired")


def test_inspector_reads_runs(live_server: LiveServer, key: str, inspector: list[str]) -> None:
    def inspect(*arguments: str) -> Any:
        options = ["--transport", "http", "--header", f"Authorization: Bearer {key}"]
        process = subprocess.run(
            [*inspector, f"{live_server.url}/mcp", *options, *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert process.returncode == 0, process.stderr
        return json.loads(process.stdout)

    assert [tool["name"] for tool in inspect("--method", "tools/list", "--strict")["tools"]] == list(TOOLS)
    called = inspect("--method", "tools/call", "--tool-name", "get_run", "--tool-arg", "run_id=run_bad")
    assert called["structuredContent"]["run"]["status"] == "failed"


@pytest.fixture(scope="session")
def inspector(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Return the command of the inspector."""
    in_ci = bool(os.environ.get("CI"))
    if not in_ci and not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("Node is not installed")
    directory: Path = tmp_path_factory.mktemp("inspector")
    install = ["npm", "install", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund", INSPECTOR]
    try:
        subprocess.run(install, cwd=directory, capture_output=True, timeout=300, check=True)
    except (OSError, subprocess.SubprocessError):
        if in_ci:
            raise
        pytest.skip(f"{INSPECTOR} cannot be installed here")
    return ["node", str(directory / "node_modules/.bin/mcp-inspector"), "--cli"]
