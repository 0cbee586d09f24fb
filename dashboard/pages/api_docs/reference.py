"""The OpenAPI document in the order in which people read it: the guide, the operations by tag, the schemas."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.utils.safestring import SafeString
from django.utils.text import slugify

from dashboard.pages.api_docs.schema_types import SchemaField, TypePart, describe_fields, describe_type
from dashboard.ui.markdown import render_markdown

Json = dict[str, Any]

_CHAPTER = re.compile(r"^## (.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class GuideChapter:
    """A chapter of the guide: Markdown below a heading. The introduction has no title."""

    title: str
    text: str

    @property
    def anchor(self) -> str:
        """The id of the section."""
        return f"guide-{slugify(self.title)}"

    @property
    def html(self) -> SafeString:
        """The text, whose headings are below that of the chapter."""
        return render_markdown(self.text, heading_offset=0)


@dataclass(frozen=True, slots=True)
class ApiContent:
    """A body in one media type. Examples are pairs of a name and a text."""

    media_type: str
    type: list[TypePart]
    description: str
    examples: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class ApiResponse:
    """What an operation may respond."""

    status: str
    description: str
    contents: list[ApiContent]


@dataclass(frozen=True, slots=True)
class ApiOperation:
    """A method of a path."""

    anchor: str
    method: str
    path: str
    summary: str
    html: SafeString
    params: list[tuple[str, SchemaField]]
    request_contents: list[ApiContent]
    responses: list[ApiResponse]


@dataclass(frozen=True, slots=True)
class ApiTag:
    """A group of operations."""

    name: str
    html: SafeString
    operations: list[ApiOperation]

    @property
    def anchor(self) -> str:
        """The id of the section."""
        return f"tag-{slugify(self.name)}"


@dataclass(frozen=True, slots=True)
class ApiSchema:
    """A named schema. `fields` are the properties of an object; other types have none."""

    name: str
    type: list[TypePart]
    html: SafeString
    fields: list[SchemaField]


@dataclass(frozen=True, slots=True)
class ApiReference:
    """The whole document."""

    chapters: list[GuideChapter]
    tags: list[ApiTag]
    schemas: list[ApiSchema]

    @classmethod
    def build(cls, document: Json) -> ApiReference:
        """Read an OpenAPI document."""
        chapters = _split_guide(document["info"]["description"])
        operations = list(_build_operations(document, chapters))
        tags = [
            ApiTag(
                tag["name"],
                render_markdown(tag["description"]),
                [operation for name, operation in operations if name == tag["name"]],
            )
            for tag in document["tags"]
        ]
        schemas = [_build_schema(name, schema) for name, schema in document["components"]["schemas"].items()]
        return cls(chapters, tags, schemas)


def _split_guide(text: str) -> list[GuideChapter]:
    introduction, *rest = _CHAPTER.split(text)
    return [GuideChapter("", introduction), *map(GuideChapter, rest[::2], rest[1::2])]


def _link_chapters(text: str, chapters: list[GuideChapter]) -> str:
    """Make links of references to chapters, such as `See *Posting objects*`."""
    for chapter in filter(lambda chapter: chapter.title, chapters):
        text = text.replace(f"*{chapter.title}*", f"[{chapter.title}](#{chapter.anchor})")
    return text


def _build_operations(document: Json, chapters: list[GuideChapter]) -> Iterator[tuple[str, ApiOperation]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            html = render_markdown(_link_chapters(operation["description"], chapters))
            yield operation["tags"][0], _build_operation(path, method, operation, html)


def _build_operation(path: str, method: str, operation: Json, html: SafeString) -> ApiOperation:
    return ApiOperation(
        anchor=operation["operationId"],
        method=method.upper(),
        path=path,
        summary=operation["summary"],
        html=html,
        params=[_build_param(param) for param in operation.get("parameters", ())],
        request_contents=_build_contents(operation.get("requestBody", {})),
        responses=[
            ApiResponse(status, response["description"], _build_contents(response))
            for status, response in operation["responses"].items()
        ],
    )


def _build_param(param: Json) -> tuple[str, SchemaField]:
    """Return where the parameter is, such as `query`, and what it is."""
    description = param.get("description", "")
    field = SchemaField.build(
        param["name"], param["schema"], is_required=param.get("required", False), description=description
    )
    return param["in"], field


def _build_contents(body: Json) -> list[ApiContent]:
    return [
        ApiContent(
            media_type,
            list(describe_type(content.get("schema", {}))),
            content.get("schema", {}).get("description", ""),
            [
                (example.get("summary", name), _format_example(example["value"]))
                for name, example in content.get("examples", {}).items()
            ],
        )
        for media_type, content in body.get("content", {}).items()
    ]


def _format_example(value: Any) -> str:
    return value.rstrip("\n") if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)


def _build_schema(name: str, schema: Json) -> ApiSchema:
    fields = describe_fields(schema)
    return ApiSchema(
        name, [] if fields else list(describe_type(schema)), render_markdown(schema.get("description", "")), fields
    )
