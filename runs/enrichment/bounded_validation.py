"""The validation of posted arguments within limits of time and memory, which hold whatever was posted.

Validations run in a child process. Those that are stopped there are remembered by their content, in the database,
and never tried again. A schema with several of them is not tried with other arguments either.
"""

from __future__ import annotations

import atexit
import hashlib
import logging
import uuid
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from runs.enrichment.argument_validation import ArgumentFinding
from runs.enrichment.function_calls import FindingKind
from runs.models import StoppedValidation
from runs.sandbox import Sandbox, SandboxResult

logger = logging.getLogger(__name__)

MAX_MEMORY_BYTES = 224 * 2**20  # of address space; the code takes 45 MB of it
MAX_CPU_SECONDS = 1.0  # for one call; the largest schemas of real runs take 0.05
MAX_STOPPED_PER_SCHEMA = 3

_sandbox = Sandbox(
    "runs.enrichment.argument_validation:validate_arguments",
    memory_bytes=MAX_MEMORY_BYTES,
    cpu_seconds=MAX_CPU_SECONDS,
)
atexit.register(_sandbox.close)


class PostedArguments(NamedTuple):
    """Arguments and the schema that they are validated against, both as JSON texts."""

    schema: str
    arguments: str


def validate_each(posted: Sequence[PostedArguments], timeout: float) -> dict[PostedArguments, list[ArgumentFinding]]:
    """Return the findings about all of `posted`.

    After `timeout` seconds, those so far are returned: the first ones, in the order of `posted`. Raises
    SandboxUnavailable.
    """
    distinct = list(dict.fromkeys(posted))
    known = _find_stopped(distinct)
    untried = [item for item in distinct if item not in known]
    results = dict(zip(untried, _sandbox.call_each(untried, timeout), strict=False))
    _remember_stopped(results)
    tried = {item: _to_findings(result) for item, result in results.items()}
    return {item: [_too_complex(reason)] for item, reason in known.items()} | tried


def _to_findings(result: SandboxResult) -> list[ArgumentFinding]:
    if result.failure:
        return [_too_complex(result.failure)]
    return [ArgumentFinding(*finding) for finding in result.value]


def _too_complex(reason: str) -> ArgumentFinding:
    return ArgumentFinding(FindingKind.NOT_VALIDATED, "", f"too complex: {reason}")


def _find_stopped(posted: Iterable[PostedArguments]) -> dict[PostedArguments, str]:
    """Return the reasons of those that are not to be tried. Takes one query."""
    digests = {item: _hash_texts(*item) for item in posted}
    schema_digests = {schema: _hash_texts(schema) for schema in {item.schema for item in digests}}
    reasons: dict[uuid.UUID, str] = {}
    counts: Counter[uuid.UUID] = Counter()
    if not digests:
        return {}
    stopped = StoppedValidation.objects.filter(schema_digest__in=schema_digests.values())
    for digest, schema_digest, reason in stopped.values_list("digest", "schema_digest", "reason"):
        reasons[digest] = reason
        counts[schema_digest] += 1
        if counts[schema_digest] >= MAX_STOPPED_PER_SCHEMA:
            reasons[schema_digest] = reason
    found = {item: reasons.get(digest) or reasons.get(schema_digests[item.schema]) for item, digest in digests.items()}
    return {item: reason for item, reason in found.items() if reason is not None}


def _remember_stopped(results: dict[PostedArguments, SandboxResult]) -> None:
    stopped = [
        StoppedValidation(digest=_hash_texts(*item), schema_digest=_hash_texts(item.schema), reason=result.failure)
        for item, result in results.items()
        if result.failure
    ]
    if not stopped:
        return
    StoppedValidation.objects.bulk_create(stopped, ignore_conflicts=True)
    reasons = Counter(record.reason for record in stopped)
    logger.warning(
        "%d tool calls are too complex to be validated: %s", len(stopped), dict(reasons), extra={"action": "set_aside"}
    )


def _hash_texts(*texts: str) -> uuid.UUID:
    content = "\0".join(texts).encode(errors="surrogatepass")
    return uuid.UUID(bytes=hashlib.blake2b(content, digest_size=16).digest())
