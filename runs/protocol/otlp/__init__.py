"""The bodies of OTLP/HTTP, the protocol of OpenTelemetry: export requests as protobuf and JSON, and their responses.

Both encodings are split into records (spans or log records) without parsing them, so that what is wrong with one stops
no other, and no body takes much more memory than its size. Records are kept as OTLP JSON.

Protocol: https://opentelemetry.io/docs/specs/otlp/ (1.11), whose messages are those of `opentelemetry-proto`.
"""
