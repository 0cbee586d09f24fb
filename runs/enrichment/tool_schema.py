"""The JSON Schema of a function, and the validation of arguments against it.

Schemas come with posted runs, so they are untrusted. A sandbox bounds the time and memory of the validation (see
`runs.enrichment.bounded_validation`); most hostile schemas are recognised here, before they reach its limits:

- Nothing is fetched for a remote `$ref`.
- Each evaluation of a keyword is charged to a `ValidationBudget`, because a few references can unfold into billions
  of evaluations. jsonschema evaluates keywords in Python, where they can be counted.
- Patterns are matched by jsonschema-rs, because Python's `re` backtracks: `(a+)+$` takes years for thirty letters.
  Its engine takes linear time and reads ECMA-262 syntax, as JSON Schema requires, but knows neither lookarounds nor
  backreferences.

Calls that can't be validated within these limits are skipped, not reported as invalid.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple

import jsonschema_rs
from jsonschema import (
    Draft3Validator,
    Draft4Validator,
    Draft6Validator,
    Draft7Validator,
    Draft201909Validator,
    Draft202012Validator,
)
from jsonschema.exceptions import UndefinedTypeCheck, UnknownType, ValidationError, best_match
from jsonschema.validators import extend
from referencing import Registry
from referencing.exceptions import CannotDetermineSpecification, InvalidAnchor, Unresolvable

from runs.enrichment.comparable_json import decode_comparable_json
from runs.protocol.lossless_json import clean_text

MAX_SCHEMA_LENGTH = 32_000  # characters
_MAX_VIOLATIONS = 5
_MAX_MESSAGE_LENGTH = 300
# Bytes of a compiled pattern; `^.{1,500}$` takes about 800,000. The time per character grows with it.
_PATTERN_OPTIONS = jsonschema_rs.RegexOptions(size_limit=1_000_000, dfa_size_limit=1_000_000)
# Characters matched against a pattern, or pairs of elements compared, that take about as long as a keyword.
_CHARACTERS_PER_STEP = 2
_COMPARISONS_PER_STEP = 100

# By the URI in `$schema`, without an empty fragment.
_DRAFTS = {
    draft.META_SCHEMA.get("$id", draft.META_SCHEMA.get("id", "")).removesuffix("#"): draft
    for draft in (
        Draft3Validator,
        Draft4Validator,
        Draft6Validator,
        Draft7Validator,
        Draft201909Validator,
        Draft202012Validator,
    )
}

Keyword = Callable[[Any, Any, Any, Any], Iterator[ValidationError]]


class ValidationSkipped(Exception):
    """The arguments can't be validated against the schema; the message says why."""


class InvalidToolSchema(Exception):
    """The schema is not a valid JSON Schema; the message says where."""


class SchemaViolation(NamedTuple):
    """A value that violates the schema. `pointer` is its JSON Pointer in the arguments, "" for all of them."""

    pointer: str
    message: str


@dataclass(slots=True)
class ValidationBudget:
    """The number of keywords that may still be evaluated for a call."""

    steps: int = 20_000

    def spend(self, steps: int) -> None:
        """Subtract `steps`. Raises ValidationSkipped if none are left."""
        self.steps -= steps
        if self.steps < 0:
            raise ValidationSkipped("too complex: the validation takes too long")


_budget: ContextVar[ValidationBudget] = ContextVar("budget")

# What jsonschema and referencing raise for values that are not schemas. The check of the whole schema does not reach
# the values of unknown keywords, but a `$ref` does.
_UNUSABLE_PART_ERRORS = (
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
    RuntimeError,
    UndefinedTypeCheck,
    UnknownType,
    CannotDetermineSpecification,
    InvalidAnchor,
)


def find_schema_violations(schema: str, arguments: Any) -> list[SchemaViolation]:
    """Return the first violations of `schema`, given as JSON, by `arguments`.

    Raises InvalidToolSchema, or ValidationSkipped if the arguments can't be validated.
    """
    if len(schema) > MAX_SCHEMA_LENGTH:
        raise ValidationSkipped(f"the schema is longer than {MAX_SCHEMA_LENGTH:,} characters")
    token = _budget.set(ValidationBudget())
    try:
        compiled = _compile_schema(schema)
        if compiled.invalid:
            raise InvalidToolSchema(compiled.invalid)
        if compiled.unsupported:
            raise ValidationSkipped(compiled.unsupported)
        errors = islice(compiled.validator.iter_errors(arguments), _MAX_VIOLATIONS)
        return [_to_violation(best_match([error]) or error) for error in errors]
    except RecursionError as error:
        raise ValidationSkipped("the schema refers to itself endlessly") from error
    except Unresolvable as error:
        raise ValidationSkipped(f"the schema refers to something outside it: {_shorten(str(error))}") from error
    except ArithmeticError as error:
        raise ValidationSkipped("the numbers are too large to compare") from error
    except _UNUSABLE_PART_ERRORS as error:
        raise ValidationSkipped("the schema refers to a part that is not a valid schema") from error
    finally:
        _budget.reset(token)


@dataclass(frozen=True, slots=True)
class _CompiledSchema:
    """A validator for a schema, or the reason why there is none."""

    validator: Any = None
    invalid: str = ""
    unsupported: str = ""


@lru_cache(maxsize=128)
def _compile_schema(text: str) -> _CompiledSchema:
    schema = decode_comparable_json(text)
    uri = schema.get("$schema", "") if isinstance(schema, dict) else ""
    if not isinstance(uri, str):
        return _CompiledSchema(invalid=f"/$schema: expected string, got {_type_name(uri)}")
    draft = _DRAFTS.get(uri.removesuffix("#"), Draft202012Validator)
    error = best_match(draft(draft.META_SCHEMA, registry=Registry()).iter_errors(schema))
    if error is not None:
        violation = _to_violation(error)
        return _CompiledSchema(invalid=f"{violation.pointer}: {violation.message}".removeprefix(": "))
    if _has_keyword(schema, "unevaluatedProperties") and _has_keyword(schema, "patternProperties"):
        # jsonschema would match these patterns by Python's `re`
        return _CompiledSchema(unsupported="the schema combines unevaluatedProperties with patternProperties")
    return _CompiledSchema(_make_bounded(draft)(_remove_schema_keyword(schema), registry=Registry()))


@lru_cache
def _make_bounded(draft: Any) -> Any:
    """Return the validator class `draft` with keywords that spend the budget and match patterns in linear time."""
    keywords = draft.VALIDATORS | {"pattern": _check_pattern, "patternProperties": _check_pattern_properties}
    if "additionalProperties" in keywords:
        keywords["additionalProperties"] = _ignoring_matched_properties(keywords["additionalProperties"])
    return extend(draft, {name: _counted(name, keyword) for name, keyword in keywords.items()})


def _counted(name: str, keyword: Keyword) -> Keyword:
    def counted(validator: Any, value: Any, instance: Any, schema: Any) -> Any:
        # uniqueItems compares all pairs of elements at worst
        pairs = len(instance) ** 2 if name == "uniqueItems" and isinstance(instance, list) else 0
        _budget.get().spend(1 + pairs // _COMPARISONS_PER_STEP)
        return keyword(validator, value, instance, schema)

    return counted


def _check_pattern(validator: Any, pattern: str, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    if validator.is_type(instance, "string") and not _matches(pattern, instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def _check_pattern_properties(
    validator: Any, schemas: dict[str, Any], instance: Any, _schema: Any
) -> Iterator[ValidationError]:
    if validator.is_type(instance, "object"):
        for pattern, schema in schemas.items():
            for name, value in instance.items():
                if _matches(pattern, name):
                    yield from validator.descend(value, schema, path=name, schema_path=pattern)


def _ignoring_matched_properties(additional_properties: Keyword) -> Keyword:
    """Return the keyword for instances without the properties that match `patternProperties`."""

    def check(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
        patterns = schema.get("patternProperties")
        if patterns and validator.is_type(instance, "object"):
            matched = {name: True for name in instance if any(_matches(pattern, name) for pattern in patterns)}
            schema = {"properties": schema.get("properties", {}) | matched}
        yield from additional_properties(validator, value, instance, schema) or ()

    return check


def _matches(pattern: str, string: str) -> bool:
    _budget.get().spend(len(string) // _CHARACTERS_PER_STEP)
    compiled = _compile_pattern(pattern)
    if compiled is None:
        raise ValidationSkipped(f"the pattern {_shorten(pattern)} is not supported")
    return compiled.is_valid(clean_text(string))


@lru_cache(maxsize=32)
def _compile_pattern(pattern: str) -> jsonschema_rs.Draft202012Validator | None:
    try:
        return jsonschema_rs.Draft202012Validator({"pattern": pattern}, pattern_options=_PATTERN_OPTIONS)
    except (jsonschema_rs.ValidationError, UnicodeEncodeError):  # the latter for lone surrogates
        return None


def _remove_schema_keyword(schema: Any) -> Any:
    """Return `schema` without any `$schema`, at which jsonschema would switch to a class that does not count."""
    match schema:
        case dict():
            kept = ((name, value) for name, value in schema.items() if name != "$schema" or isinstance(value, dict))
            return {name: _remove_schema_keyword(value) for name, value in kept}
        case list():
            return [_remove_schema_keyword(item) for item in schema]
        case _:
            return schema


def _has_keyword(schema: Any, name: str) -> bool:
    if isinstance(schema, dict):
        return name in schema or any(_has_keyword(value, name) for value in schema.values())
    return isinstance(schema, list) and any(_has_keyword(item, name) for item in schema)


def _to_violation(error: ValidationError) -> SchemaViolation:
    steps = (str(step).replace("~", "~0").replace("/", "~1") for step in error.absolute_path)
    return SchemaViolation(_shorten("".join(f"/{step}" for step in steps)), _shorten(_describe(error)))


def _describe(error: ValidationError) -> str:
    """Return the message for `error`: our own for the most frequent keywords, else the library's."""
    match error.validator, error.validator_value:
        case "type", str() | list() as expected:
            names = [expected] if isinstance(expected, str) else expected
            return f"expected {' or '.join(map(str, names))}, got {_type_name(error.instance)}"
        case "enum", list() as allowed:
            return f"{json.dumps(error.instance)} is none of {', '.join(map(json.dumps, allowed))}"
        case "const", expected:
            return f"expected {json.dumps(expected)}, got {json.dumps(error.instance)}"
        case _:
            return str(error.message)


def _type_name(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"


def _shorten(message: str) -> str:
    """Return the beginning of `message`, fit for a page."""
    return clean_text(message if len(message) <= _MAX_MESSAGE_LENGTH else message[:_MAX_MESSAGE_LENGTH] + "…")
