"""The API's OpenAPI 3.1 description: what the endpoints take and answer, drawn from what checks them."""

from __future__ import annotations

from functools import cache
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema

from runs.api.openapi.components import build_component_schemas

API_PREFIX = "/api/v1/"


class BearerSecurityScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How `BearerKey` is called in the document. The framework finds this class by its target."""

    target_class = "runs.api.authentication.BearerAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:  # noqa: ARG002
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "An API key of one project. `manage.py create_api_key` makes one.",
        }


@cache
def build_openapi_document() -> dict[str, Any]:
    """The whole description. It is the same for everybody for as long as the process runs."""
    generator = SchemaGenerator()  # type: ignore[no-untyped-call]
    described: dict[str, Any] = generator.get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return described


def select_v1_endpoints(endpoints: list[tuple[Any, ...]], **_: Any) -> list[tuple[Any, ...]]:
    """drf-spectacular's hook before: leave out what isn't below PREFIX, which is described by its vendors."""
    return [each for each in endpoints if each[0].startswith(API_PREFIX)]


def add_component_schemas(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """drf-spectacular's hook after: the schemas that the operations refer to, and that bodies are required."""
    result["components"]["schemas"] = build_component_schemas()
    for methods in result["paths"].values():
        for operation in methods.values():
            if "requestBody" in operation:
                operation["requestBody"]["required"] = True
    return result
