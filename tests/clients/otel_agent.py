"""An agent with one tool, traced by an instrumentation that the first argument names.

A server in this process stands in for the model: it calls the tool once, and then answers.
"""

from __future__ import annotations

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from agents import Agent, OpenAIResponsesModel, Runner, function_tool, set_trace_processors
from openai import AsyncOpenAI
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

USAGE = {
    "input_tokens": 40,
    "input_tokens_details": {"cached_tokens": 8},
    "output_tokens": 10,
    "output_tokens_details": {"reasoning_tokens": 2},
    "total_tokens": 50,
}
CALL = {
    "type": "function_call",
    "id": "fc_1",
    "call_id": "call_1",
    "name": "get_weather",
    "arguments": '{"city": "Oslo"}',
    "status": "completed",
}
ANSWER = {
    "type": "message",
    "id": "msg_1",
    "role": "assistant",
    "status": "completed",
    "content": [{"type": "output_text", "text": "It rains in Oslo.", "annotations": []}],
}


class ModelHandler(BaseHTTPRequestHandler):
    """Answers `POST /responses`."""

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        has_output = any(item.get("type") == "function_call_output" for item in request["input"] if "type" in item)
        body = json.dumps(build_response(request, ANSWER if has_output else CALL, 2 if has_output else 1)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: Any) -> None:
        """Log nothing."""


def build_response(request: dict[str, Any], item: dict[str, Any], number: int) -> dict[str, Any]:
    return {
        "id": f"resp_{number}",
        "object": "response",
        "created_at": 1_795_000_000 + number,
        "status": "completed",
        "model": "gpt-4o-mini-2024-07-18",
        "output": [item],
        "usage": USAGE,
        "tools": request.get("tools", []),
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "error": None,
        "incomplete_details": None,
        "instructions": request.get("instructions"),
        "metadata": {},
        "temperature": 1.0,
        "top_p": 1.0,
    }


def instrument(name: str, provider: TracerProvider) -> None:
    set_trace_processors([])  # not the SDK's own exporter
    match name:
        case "genai":
            from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor
            from opentelemetry.instrumentation.genai.openai_agents import OpenAIAgentsInstrumentor

            OpenAIInstrumentor().instrument(tracer_provider=provider)
            OpenAIAgentsInstrumentor().instrument(tracer_provider=provider)
        case "openinference":
            from openinference.instrumentation.openai_agents import OpenAIAgentsInstrumentor as OpenInference

            OpenInference().instrument(tracer_provider=provider)
        case "openllmetry":
            from opentelemetry.instrumentation.openai_agents import OpenAIAgentsInstrumentor as OpenLLMetry

            OpenLLMetry().instrument(tracer_provider=provider)


@function_tool
def get_weather(city: str) -> str:
    """Return the weather in a city."""
    return f"rain in {city}"


def main() -> None:
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(compression=Compression.Gzip)))
    instrument(sys.argv[1], provider)
    server = ThreadingHTTPServer(("127.0.0.1", 0), ModelHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    client = AsyncOpenAI(base_url=f"http://127.0.0.1:{server.server_port}", api_key="none")
    model = OpenAIResponsesModel("gpt-4o-mini", client)
    agent = Agent(name="Forecaster", instructions="Answer briefly.", model=model, tools=[get_weather])
    print(Runner.run_sync(agent, "What is the weather in Oslo?").final_output)
    provider.shutdown()


if __name__ == "__main__":
    main()
