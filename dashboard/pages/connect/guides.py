"""The guides of the connect page: ways to send runs, and the lines for assistants that read them.

The code of each snippet is a template of its own, which a test runs as a reader would.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from runs.models import ApiKey


class GuideName(StrEnum):
    """The tabs of the page."""

    ASSISTANTS = "assistants"
    RESPONSES = "responses"
    OPENTELEMETRY = "opentelemetry"
    AGENTS_SDK = "agents-sdk"
    MCP = "mcp"


@dataclass(frozen=True, slots=True)
class Snippet:
    """Code to copy. `template` is its file, `place` says where the code goes, and `note` is a sentence after it."""

    template: str
    label: str
    place: str = ""
    note: str = ""

    @property
    def path(self) -> str:
        """The path of the template."""
        return f"pages/connect/snippets/{self.template}.html"


@dataclass(frozen=True, slots=True)
class ConnectGuide:
    """A tab: the scope that its key needs, what to do with the key, and the snippets that do it."""

    name: GuideName
    label: str
    key_name: str
    scope: ApiKey.Scope
    heading: str
    introduction: str
    snippets: tuple[Snippet, ...]

    @property
    def sends_runs(self) -> bool:
        """Return whether runs arrive when the reader is done."""
        return self.scope == ApiKey.Scope.INGEST


# Its value differs between languages: some take a truth value, and some where the content goes.
_CAPTURE_VARIABLE = "This variable turns on recording of messages; without it, runs have no content."

_ASSISTANTS = ConnectGuide(
    GuideName.ASSISTANTS,
    "Assistants",
    "my-application",
    ApiKey.Scope.INGEST,
    "Send a run",
    "Post the object you already have. Runglass accepts thread.run objects as the API returns them: one, an array, or "
    "a list page. Sending a run twice is safe: runs are matched by id.",
    (
        Snippet("assistants_curl", "curl"),
        Snippet("assistants_python", "Python"),
        Snippet("assistants_import", "Import files"),
    ),
)
_RESPONSES = ConnectGuide(
    GuideName.RESPONSES,
    "Responses",
    "my-application",
    ApiKey.Scope.INGEST,
    "Send a response",
    "Post the objects of the Responses API: one, an array, a list, or {request, response} together. The responses of "
    "one turn of an agent become one run, in whatever order they arrive.",
    (
        Snippet("responses_curl", "curl"),
        Snippet("responses_python", "Python"),
        Snippet("responses_import", "Import files"),
    ),
)
_OPENTELEMETRY = ConnectGuide(
    GuideName.OPENTELEMETRY,
    "OpenTelemetry",
    "my-application",
    ApiKey.Scope.INGEST,
    "Export traces",
    "Every instrumentation of language models and agents that exports OTLP over HTTP works: set the environment, then "
    "start the application with an instrumentation of its language.",
    (
        Snippet(
            "otel_environment",
            "Environment of all languages",
            note="Runs get the name of the service as their assistant where spans name no agent.",
        ),
        Snippet(
            "otel_python",
            "Python",
            note=f"{_CAPTURE_VARIABLE} opentelemetry-instrumentation-genai-openai-agents adds the Agents SDK.",
        ),
        Snippet("otel_node", "Node", note="For the package openai from version 5. It records messages by default."),
        Snippet(
            "otel_node_automatic",
            "Node, without a file",
            note=f"{_CAPTURE_VARIABLE} Needs openai up to version 6, and instruments Bedrock and web servers, too.",
        ),
        Snippet(
            "otel_dotnet",
            ".NET",
            note=f"{_CAPTURE_VARIABLE} Agents of the Agent Framework need UseOpenTelemetry() as well.",
        ),
        Snippet(
            "otel_java",
            "Java",
            note=f"{_CAPTURE_VARIABLE} The agent instruments openai-java, Spring AI and Bedrock.",
        ),
    ),
)
_AGENTS_SDK = ConnectGuide(
    GuideName.AGENTS_SDK,
    "OpenAI Agents SDK",
    "my-application",
    ApiKey.Scope.INGEST,
    "Add a trace processor",
    "The SDK records traces by default. Its own exporter sends them to Runglass, too.",
    (Snippet("agents_sdk_python", "Python"),),
)
_MCP = ConnectGuide(
    GuideName.MCP,
    "MCP",
    "my-assistant",
    ApiKey.Scope.READ,
    "Tell your assistant where the runs are",
    "Ten tools search, explain and compare the runs of this project, and change nothing. Then ask, for example: why do "
    "runs fail since yesterday, and what changed before that?",
    (
        Snippet("mcp_claude_code", "Claude Code", "Terminal"),
        Snippet("mcp_claude_desktop", "Claude Desktop", "claude_desktop_config.json", "Needs Node.js."),
        Snippet("mcp_cursor", "Cursor", ".cursor/mcp.json"),
        Snippet("mcp_vs_code", "VS Code", ".vscode/mcp.json"),
        Snippet("mcp_codex", "Codex CLI", "~/.codex/config.toml"),
        Snippet("mcp_curl", "curl", "Terminal", "Answers as any client of the protocol gets them."),
    ),
)
CONNECT_GUIDES = {guide.name: guide for guide in (_ASSISTANTS, _RESPONSES, _OPENTELEMETRY, _AGENTS_SDK, _MCP)}
