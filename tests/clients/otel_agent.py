"""An agent with one tool, traced by an instrumentation that the first argument names."""

from __future__ import annotations

import sys

from agents import Agent, OpenAIResponsesModel, Runner, function_tool, set_trace_processors
from openai import AsyncOpenAI
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from tests.clients.model_server import run_model_server


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
    with run_model_server() as url:
        model = OpenAIResponsesModel("gpt-4o-mini", AsyncOpenAI(base_url=url, api_key="none"))
        agent = Agent(name="Forecaster", instructions="Answer briefly.", model=model, tools=[get_weather])
        print(Runner.run_sync(agent, "What is the weather in Oslo?").final_output)
    provider.shutdown()


if __name__ == "__main__":
    main()
