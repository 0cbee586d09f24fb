"""JSON schemas of the OpenAPI document in words: the type, with links to other schemas, and its limits."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.safestring import SafeString

from dashboard.ui.markdown import render_markdown

Schema = dict[str, Any]

# Keywords that limit values, and how they are written.
_LIMITS = {
    "format": "format {}",
    "minimum": "at least {}",
    "maximum": "at most {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
    "default": "default {}",
    "pattern": "pattern {}",
}


@dataclass(frozen=True, slots=True)
class TypePart:
    """A piece of the description of a type. `schema` is the name of the schema that it links to, or empty."""

    text: str
    schema: str = ""


@dataclass(frozen=True, slots=True)
class SchemaField:
    """A property of an object, or a parameter of an operation."""

    name: str
    type: list[TypePart]
    limits: str
    description: str
    is_required: bool

    @property
    def html(self) -> SafeString:
        """The description, which is Markdown."""
        return render_markdown(self.description)

    @classmethod
    def build(cls, name: str, schema: Schema, *, is_required: bool, description: str = "") -> SchemaField:
        """Describe the value `name` with this schema."""
        text = description or schema.get("description", "")
        return cls(name, list(describe_type(schema)), describe_limits(schema), text, is_required)


def describe_fields(schema: Schema) -> list[SchemaField]:
    """Return the properties of an object."""
    required = schema.get("required", ())
    return [
        SchemaField.build(name, value, is_required=name in required)
        for name, value in schema.get("properties", {}).items()
    ]


def describe_limits(schema: Schema) -> str:
    """Return the limits of values in words, those of the elements of an array included."""
    limits = [text.format(schema[keyword]) for keyword, text in _LIMITS.items() if keyword in schema]
    if isinstance(items := schema.get("items"), dict) and (of_items := describe_limits(items)):
        limits.append(f"each {of_items}")
    return ", ".join(limits)


def describe_type(schema: Schema) -> Iterator[TypePart]:
    """Yield the parts of the description of a type."""
    match schema:
        case {"$ref": str(reference)}:
            name = reference.rpartition("/")[2]
            yield TypePart(name, name)
        case {"const": value}:
            yield TypePart(_quote(value))
        case {"enum": values}:
            yield TypePart(" or ".join(_quote(value) for value in values))
        case {"anyOf": options} | {"oneOf": options}:
            yield from _join([describe_type(option) for option in options], " or ")
        case {"allOf": options}:
            yield from _join([describe_type(option) for option in options if "$ref" in option], " and ")
        case {"type": "array"}:
            yield TypePart("array of ")
            yield from describe_type(schema.get("items", {}))
        case {"type": "object"}:
            yield from _describe_object(schema)
        case {"type": [*names]}:
            yield from _join([describe_type({**schema, "type": name}) for name in names], " or ")
        case {"type": name}:
            yield TypePart(name)
        case _:
            yield TypePart("any value")


def _describe_object(schema: Schema) -> Iterator[TypePart]:
    if properties := schema.get("properties"):
        yield TypePart("object {")
        yield from _join([_describe_property(name, value) for name, value in properties.items()], ", ")
        yield TypePart("}")
        return
    yield TypePart("object")
    if isinstance(values := schema.get("additionalProperties"), dict) and values:
        yield TypePart(" of ")
        yield from describe_type(values)


def _describe_property(name: str, schema: Schema) -> Iterator[TypePart]:
    yield TypePart(f"{name}: ")
    yield from describe_type(schema)


def _join(types: Sequence[Iterator[TypePart]], separator: str) -> Iterator[TypePart]:
    for index, parts in enumerate(types):
        if index:
            yield TypePart(separator)
        yield from parts


def _quote(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
