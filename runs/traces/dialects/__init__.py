"""The dialects of instrumentations, the semantic conventions of OpenTelemetry first: they win where several apply."""

from runs.traces.dialects.dialect import SpanDialect
from runs.traces.dialects.google_adk import GOOGLE_ADK
from runs.traces.dialects.openai_agents import OPENAI_AGENTS
from runs.traces.dialects.openinference import OPENINFERENCE
from runs.traces.dialects.openllmetry import OPENLLMETRY
from runs.traces.dialects.pydantic import PYDANTIC
from runs.traces.dialects.semconv import SEMCONV
from runs.traces.dialects.vercel import VERCEL

__all__ = ["DIALECTS", "SpanDialect"]

# By role, the first dialect that knows a span decides: OpenInference and OpenLLMetry also write `gen_ai.*`.
DIALECTS = (
    OPENAI_AGENTS,
    SEMCONV,
    GOOGLE_ADK,
    OPENINFERENCE,
    PYDANTIC,
    VERCEL,
    OPENLLMETRY,
)
