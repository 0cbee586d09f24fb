"""The ids of spans that a run becomes: hashes of its posted id, so that exporting again yields the same spans."""

from __future__ import annotations

import hashlib

from runs.protocol.otlp.identifiers import SPAN_ID_BYTES, TRACE_ID_BYTES


def make_run_trace_id(run_id: str) -> str:
    """Return the id of the trace of the run with that posted id, as lower-case hex."""
    return _hash("trace", run_id, size=TRACE_ID_BYTES)


def make_run_span_id(run_id: str, *part: str) -> str:
    """Return the id of the span of a part of a run, as lower-case hex. Without a part, it is that of the run itself."""
    return _hash("span", run_id, *part, size=SPAN_ID_BYTES)


def _hash(*parts: str, size: int) -> str:
    # ids contain no line breaks
    return hashlib.blake2b("\n".join(parts).encode(errors="surrogatepass"), digest_size=size).hexdigest()
