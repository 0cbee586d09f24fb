"""A function's JSON Schema, and what arguments have against it, in bounded time.

Schemas come from whoever posts runs: nothing is fetched for a `$ref`, and what could take long is left unchecked.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match
from jsonschema.validators import extend, validator_for
from referencing import Registry
from referencing.exceptions import Unresolvable

from runs.enrichment.tool_schema import patterns
from runs.protocol.lossless_json import clean_text

MAX_SCHEMA_LENGTH = 32_000  # characters of a schema
_MOST_ERRORS = 5
_LONGEST_MESSAGE = 300
# So many ways to match a pattern take about as long as one keyword.
_WAYS_PER_STEP = 100


class ValidationSkipped(Exception):
    """The arguments could not be held against the schema; the message says why."""


class InvalidToolSchema(Exception):
    """The schema is no schema; the message says where."""


@dataclass(frozen=True, slots=True)
class SchemaViolation:
    """What one value has against it; `pointer` is its JSON Pointer, "" for the whole."""

    pointer: str
    message: str


@dataclass(slots=True)
class ValidationBudget:
    """How many keywords may still be looked at; few references can unfold into billions."""

    steps: int = 50_000

    def spend(self, steps: int) -> None:
        """Raises Unchecked when nothing is left."""
        self.steps -= steps
        if self.steps < 0:
            raise ValidationSkipped("holding the run's calls against their schemas takes too long")


_budget: ContextVar[ValidationBudget] = ContextVar("budget")


def find_schema_violations(written: str, arguments: Any, budget: ValidationBudget) -> list[SchemaViolation]:
    """What `arguments` have against the schema that is `written` as JSON, at any depth; the first few.

    Raises Unchecked or Broken where that can't be told.
    """
    if len(written) > MAX_SCHEMA_LENGTH:
        raise ValidationSkipped(f"its schema is longer than {MAX_SCHEMA_LENGTH:,} characters")
    compiled = _compiled(written)
    if compiled.broken:
        raise InvalidToolSchema(compiled.broken)
    budget.spend(compiled.cost(_longest_string(arguments)))
    token = _budget.set(budget)
    try:
        return [_fault(best_match([error])) for error in islice(compiled.errors(arguments), _MOST_ERRORS)]
    except RecursionError as error:
        raise ValidationSkipped("its schema refers to itself without end") from error
    except Unresolvable as error:
        raise ValidationSkipped(f"its schema refers to what is not in it: {_cut(str(error))}") from error
    finally:
        _budget.reset(token)


class _Schema:
    """A schema, checked once against the specification that it names; `broken` says what is wrong with it."""

    def __init__(self, schema: Any) -> None:
        named = validator_for(schema if isinstance(schema, dict) else {}, default=Draft202012Validator)
        self.broken = _broken(named, schema)
        plain = True if self.broken else _without_specification(schema)
        self._patterns = list(_patterns(plain))
        self._validator = _counting(named)(plain, registry=Registry())

    def errors(self, value: Any) -> Iterator[ValidationError]:
        """What `value` has against it, found one by one."""
        yield from self._validator.iter_errors(value)

    def cost(self, length: int) -> int:
        """The steps that matching its patterns against a string of `length` may take. Raises Unchecked."""
        ways = 0
        for pattern in self._patterns:
            try:
                ways += patterns.cost(pattern, length)
            except re.error as error:
                raise ValidationSkipped(f"its pattern {_cut(pattern)} can't be read: {error}") from error
            if ways >= patterns.MOST:
                raise ValidationSkipped(f"its pattern {_cut(pattern)} could take too long")
        return ways // _WAYS_PER_STEP


@lru_cache(maxsize=128)
def _compiled(written: str) -> _Schema:
    return _Schema(json.loads(written))


def _broken(kind: Any, schema: Any) -> str:
    """What a schema has against it, "" for nothing."""
    error = best_match(kind(kind.META_SCHEMA, registry=Registry()).iter_errors(schema))
    if error is None:
        return ""
    fault = _fault(error)
    return f"{fault.pointer}: {fault.message}" if fault.pointer else fault.message


@lru_cache
def _counting(kind: Any) -> Any:
    """`kind` of validator, which spends the budget."""
    return extend(kind, {name: _counted(name, check) for name, check in kind.VALIDATORS.items()})


def _counted(name: str, check: Callable[..., Any]) -> Callable[..., Any]:
    def counted(validator: Any, value: Any, instance: Any, schema: Any) -> Any:
        # two by two at worst
        is_squared = name == "uniqueItems" and isinstance(instance, list)
        _budget.get().spend(1 + (len(instance) ** 2 // _WAYS_PER_STEP if is_squared else 0))
        return check(validator, value, instance, schema)

    return counted


def _without_specification(schema: Any) -> Any:
    """`schema` without any `$schema`, at which a validator would be exchanged for one that does not count."""
    match schema:
        case dict():
            kept = ((name, value) for name, value in schema.items() if name != "$schema" or isinstance(value, dict))
            return {name: _without_specification(value) for name, value in kept}
        case list():
            return [_without_specification(each) for each in schema]
        case _:
            return schema


def _patterns(schema: Any) -> Iterator[str]:
    """Every regular expression anywhere in a schema."""
    if isinstance(schema, dict):
        if isinstance(schema.get("pattern"), str):
            yield schema["pattern"]
        if isinstance(schema.get("patternProperties"), dict):
            yield from schema["patternProperties"]
    if isinstance(schema, dict | list):
        for each in schema.values() if isinstance(schema, dict) else schema:
            yield from _patterns(each)


def _longest_string(value: Any) -> int:
    match value:
        case str():
            return len(value)
        case dict():
            return max((max(len(name), _longest_string(each)) for name, each in value.items()), default=0)
        case list():
            return max(map(_longest_string, value), default=0)
        case _:
            return 0


def _fault(error: ValidationError | None) -> SchemaViolation:
    if error is None:
        raise ValueError("best_match of something is something")
    pointer = "".join(f"/{_escaped(str(part))}" for part in error.absolute_path)
    return SchemaViolation(_cut(pointer), _cut(_said(error)))


def _escaped(part: str) -> str:
    return part.replace("~", "~0").replace("/", "~1")


def _said(error: ValidationError) -> str:
    """The fault in words; of rare keywords, in those of the library."""
    match error.validator, error.validator_value:
        case "type", str() | list() as wanted:
            names = [wanted] if isinstance(wanted, str) else wanted
            return f"expected {' or '.join(map(str, names))}, got {_type(error.instance)}"
        case "enum", list() as allowed:
            return f"{json.dumps(error.instance)} is none of {', '.join(map(json.dumps, allowed))}"
        case "const", wanted:
            return f"expected {json.dumps(wanted)}, got {json.dumps(error.instance)}"
        case _:
            return str(error.message)


def _type(value: Any) -> str:
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


def _cut(message: str) -> str:
    """A message that a page can carry."""
    return clean_text(message if len(message) <= _LONGEST_MESSAGE else message[:_LONGEST_MESSAGE] + "…")
