"""OpenTelemetry traces: store their spans, and derive runs from them.

`store` keeps the spans as they came. `span_view` reads one, `dialects` tell what the instrumentations of agents mean by
it, `agent_span` is what they have in common, and `derivation` makes runs of the spans of a trace.
"""
