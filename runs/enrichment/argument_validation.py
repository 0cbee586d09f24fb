"""The arguments of a function call against the JSON Schema of the function. Call this in a sandbox."""

from __future__ import annotations

import json
from typing import NamedTuple

from runs.enrichment.comparable_json import IncomparableNumber, InvalidConstant, decode_comparable_json
from runs.enrichment.function_calls import FindingKind
from runs.enrichment.tool_schema import InvalidToolSchema, ValidationSkipped, find_schema_violations


class ArgumentFinding(NamedTuple):
    """A finding about arguments. `pointer` is the JSON Pointer of the value, "" for all of them."""

    kind: str
    pointer: str
    message: str


def validate_arguments(schema: str, arguments: str) -> list[ArgumentFinding]:
    """Return the findings about `arguments`. Both are JSON texts, but any text is accepted."""
    try:
        decoded = decode_comparable_json(arguments)
        if not isinstance(decoded, dict):
            return [ArgumentFinding(FindingKind.NOT_AN_OBJECT, "", "expected an object")]
        violations = find_schema_violations(schema, decoded)
    except json.JSONDecodeError as error:
        message = f"{error.msg.removesuffix(' at')} at character {error.pos + 1:,}"
        return [ArgumentFinding(FindingKind.UNPARSEABLE, "", message)]
    except InvalidConstant as error:
        return [ArgumentFinding(FindingKind.UNPARSEABLE, "", str(error))]
    except RecursionError:
        return [ArgumentFinding(FindingKind.UNPARSEABLE, "", "nested too deeply")]
    except (ValidationSkipped, IncomparableNumber) as error:
        return [ArgumentFinding(FindingKind.NOT_VALIDATED, "", str(error))]
    except InvalidToolSchema as error:
        return [ArgumentFinding(FindingKind.INVALID_SCHEMA, "", str(error))]
    return [ArgumentFinding(FindingKind.INVALID_ARGUMENTS, *violation) for violation in violations]
