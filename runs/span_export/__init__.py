"""Runs as spans of OpenTelemetry, for other tools: exports and the forwarder.

Runs of assistants and of responses become spans by the semantic conventions for generative AI (1.37 and later): an
`invoke_agent` span that holds a `chat` span for each model call and an `execute_tool` span for each tool call. The
mapping in `run_spans` and below is pure; `mapped_runs` reads what it needs. Runs that came as spans leave as the same
spans (`trace_spans`). `outgoing_spans` does either.

https://github.com/open-telemetry/semantic-conventions-genai
"""
