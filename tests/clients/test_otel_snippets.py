"""The OpenTelemetry snippets of the connect page, run as they stand, and the runs that arrive.

Programs that install packages are replaced: they record what they would install, which must be what is installed here.
The site is a whole one, since the exporters of Node send chunks, which the server of Django's tests does not take.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.clients.model_server import ANSWER_TEXT, MODEL, run_model_server
from tests.dashboard.pages.connect.snippets import URL, read_snippet
from tests.faults.site import Site
from tests.pages import Page

QUESTION = "Does it rain in Oslo?"
PYTHON_APP = f"""
from openai import OpenAI

client = OpenAI()
print(client.responses.create(model="{MODEL}", input="{QUESTION}").output_text)
messages = [{{"role": "user", "content": "{QUESTION}"}}]
print(client.chat.completions.create(model="{MODEL}", messages=messages).choices[0].message.content)
"""
NODE_APP = f"""
async function main() {{
  const client = new OpenAI();
  console.log((await client.responses.create({{ model: "{MODEL}", input: "{QUESTION}" }})).output_text);
  const messages = [{{ role: "user", content: "{QUESTION}" }}];
  console.log((await client.chat.completions.create({{ model: "{MODEL}", messages }})).choices[0].message.content);
}}
main();
"""
IMPORTS = {"module": 'import OpenAI from "openai";', "commonjs": 'const OpenAI = require("openai");'}
# The newest versions for Node 20.
NODE_PACKAGES = {
    "@arizeai/openinference-instrumentation-openai": "4.2.7",
    "@opentelemetry/api": "1.9.1",
    "@opentelemetry/auto-instrumentations-node": "0.81.2",
    "@opentelemetry/core": "2.12.0",
    "@opentelemetry/instrumentation": "0.223.0",
    "@opentelemetry/resources": "2.12.0",
    "@opentelemetry/sdk-node": "0.223.0",
    "openai": "7.59.0",
    "openai-6": "npm:openai@6.49.0",
}
NODE_INSTALL = ["npm", "install", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund"]
RECORDER = """#!/bin/sh
printf '%s\\n' "$@" >> installed
"""


class NodeInstall(NamedTuple):
    """A running installation of packages."""

    process: subprocess.Popen[bytes]
    directory: Path


@pytest.fixture(scope="module")
def model_url() -> Iterator[str]:
    with run_model_server() as url:
        yield url


@pytest.fixture(scope="module")
def node_install() -> Iterator[NodeInstall | None]:
    """Begin to install the packages for Node, which goes on while the site starts. None if Node is missing."""
    if not os.environ.get("CI") and not (shutil.which("node") and shutil.which("npm")):
        yield None
        return
    packages = [f"{name}@{number}" for name, number in NODE_PACKAGES.items()]
    with (
        tempfile.TemporaryDirectory(prefix="runglass-node-") as directory,
        subprocess.Popen(
            [*NODE_INSTALL, *packages], cwd=directory, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as process,
    ):
        yield NodeInstall(process, Path(directory))


@pytest.fixture(scope="module")
def site(node_install: NodeInstall | None) -> Iterator[Site]:
    data_dir = Path(tempfile.mkdtemp(prefix="runglass-snippets-"))
    try:
        running = Site.start(data_dir)
        try:
            yield running
        finally:
            running.stop()
    finally:
        shutil.rmtree(data_dir)


@pytest.fixture(scope="module")
def node_packages(node_install: NodeInstall | None) -> Path:
    """Return a directory whose packages the applications below it find. In `openai-6`, they find an older `openai`."""
    if node_install is None:
        pytest.skip("Node is not installed")
    if node_install.process.wait(300) != 0 and not os.environ.get("CI"):
        pytest.skip("The packages cannot be installed here")
    older = node_install.directory / "openai-6" / "node_modules"
    older.mkdir(parents=True)
    # Instrumentations know the package by the name of its directory.
    shutil.move(node_install.directory / "node_modules" / "openai-6", older / "openai")
    return node_install.directory


@dataclass(frozen=True)
class SnippetRunner:
    """Runs snippets as pasted into a shell, with a site that runs are sent to, and a server in place of the model."""

    site: Site
    model_url: str
    directory: Path

    def run(self, label: str) -> set[str]:
        """Run a snippet after that of the environment, and return the packages that it installs."""
        page = Page(self.site.page(f"{URL}?guide=opentelemetry").body.decode())
        script = "\n".join(read_snippet(page, name) for name in ("Environment of all languages", label))
        process = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=self.directory, env=self._build_environment(), capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert process.returncode == 0, process.stderr
        assert process.stdout.splitlines() == [ANSWER_TEXT] * 2, process.stderr
        command, *packages = (self.directory / "installed").read_text().split()
        assert command == "install"
        return set(packages)

    def _build_environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("OPENAI_", "OTEL_"))}
        programs = [self.directory / "bin", Path(sys.executable).parent, os.environ["PATH"]]
        return inherited | {
            "PATH": os.pathsep.join(map(str, programs)),
            "RUNGLASS_KEY": self.site.key,
            "OPENAI_API_KEY": "none",
            "OPENAI_BASE_URL": self.model_url,
            # instrumentations of other tests, which the snippet does not install
            "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "openai_agents",
        }


@pytest.fixture
def runner(site: Site, model_url: str, tmp_path: Path) -> SnippetRunner:
    """Return a runner whose programs that install packages record them."""
    (tmp_path / "bin").mkdir()
    for name in ("pip", "npm"):
        program = tmp_path / "bin" / name
        program.write_text(RECORDER)
        program.chmod(0o755)
    return SnippetRunner(site, model_url, tmp_path)


def read_runs(site: Site) -> list[dict[str, Any]]:
    runs: list[dict[str, Any]] = json.loads(site.get("/api/v1/runs").body)["data"]
    return runs


def check_new_runs(site: Site, earlier: list[dict[str, Any]]) -> None:
    """Check that two calls became runs with what was said."""
    runs = [run for run in read_runs(site) if run not in earlier]
    assert [(run["status"], run["assistant_id"], run["usage"]["total_tokens"]) for run in runs] == [
        ("completed", "my-application", 50)
    ] * 2
    for run in runs:
        messages = json.loads(site.get(f"/v1/threads/{run['thread_id']}/messages").body)["data"]
        said = sorted((message["role"], message["content"][0]["text"]["value"]) for message in messages)
        assert said == [("assistant", ANSWER_TEXT), ("user", QUESTION)]


def test_python_snippet_sends_runs(site: Site, runner: SnippetRunner) -> None:
    earlier = read_runs(site)
    (runner.directory / "app.py").write_text(PYTHON_APP)
    assert all(version(package) for package in runner.run("Python"))
    check_new_runs(site, earlier)


@pytest.mark.parametrize("kind", IMPORTS)
@pytest.mark.parametrize(("label", "place"), [("Node", "openai-7"), ("Node, without a file", "openai-6")])
def test_node_snippets_send_runs(
    site: Site, runner: SnippetRunner, node_packages: Path, label: str, place: str, kind: str
) -> None:
    earlier = read_runs(site)
    directory = shutil.copytree(runner.directory, node_packages / place / kind)
    (directory / "package.json").write_text(json.dumps({"type": kind}))
    (directory / "app.js").write_text(IMPORTS[kind] + NODE_APP)
    assert replace(runner, directory=directory).run(label) <= NODE_PACKAGES.keys()
    check_new_runs(site, earlier)
