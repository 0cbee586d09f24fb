"""The OpenAPI document: it is valid and complete, and the API behaves as documented."""

from __future__ import annotations

import copy
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import schemathesis
import yaml
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.urls import URLResolver, get_resolver
from drf_spectacular.drainage import GENERATOR_STATS
from hypothesis import HealthCheck, Phase, given, settings
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate
from schemathesis import GenerationMode
from schemathesis.checks import negative_data_rejection, positive_data_acceptance

from dashboard.wsgi import application
from runs.analytics.usage.query import USAGE_PARAMETERS
from runs.api.error_group_params import ERROR_GROUP_PARAMETERS
from runs.api.openapi import API_PREFIX, build_openapi_document, examples
from runs.api.openapi.guide import ERROR_CODES
from runs.api.otlp_errors import OTLP_PATHS
from runs.errors import RunglassError
from runs.ingest import Outcome
from runs.models import ErrorGroup, Project
from runs.protocol import assistant, lossless_json, message, run, step
from runs.query import RunFilters
from tests import factories
from tests.factories import run_object, step_object
from tests.runs.api.api_client import JSON, RUNS, ApiClient, assert_error

SCHEMA = "/api/v1/schema"
METHODS = ("get", "post", "put", "patch", "delete")


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in build_openapi_document()["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def validator(schema: dict[str, Any]) -> Draft202012Validator:
    return Draft202012Validator({**schema, "components": build_openapi_document()["components"]})


# validity and completeness


def test_document_is_valid() -> None:
    assert build_openapi_document()["openapi"].startswith("3.1")
    validate(build_openapi_document())


def test_document_is_built_without_warnings(capsys: pytest.CaptureFixture[str]) -> None:
    GENERATOR_STATS.reset()
    build_openapi_document.__wrapped__()
    assert not GENERATOR_STATS._warn_cache
    assert not GENERATOR_STATS._error_cache
    assert capsys.readouterr() == ("", "")


# What the document leaves out, and why.
UNDOCUMENTED = {
    r"(v1|openai|openai/v1|api/projects/\{project_name\})/(threads|responses|conversations)\b.*": "described by OpenAI",
    r"(v1|openai|openai/v1|api/projects/\{project_name\})/(\{unknown_path\})?": "answers 404",
    r"api/v1/(\{path\})?": "answers 404",
    r"mcp": "described by the Model Context Protocol, and by the server itself",
    r"(login|login/sso|login/sso/callback|logout|account/password)/": "pages",
    r"favicon\.ico|apple-touch-icon(-precomposed)?\.png": "icons that browsers ask for",
    r"healthz|readyz|metrics": "for operators; OPERATIONS.md describes them",
}


def list_api_routes(patterns: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the path and the view of every route that needs no browser."""
    for pattern in patterns:
        path = prefix + re.sub("<(?:[^:>]+:)?([^>]+)>", r"{\1}", str(pattern.pattern))
        if isinstance(pattern, URLResolver):
            yield from list_api_routes(pattern.url_patterns, path)
        elif hasattr(pattern.callback, "view_class") or not getattr(pattern.callback, "__module__", "").startswith(
            "dashboard.pages"
        ):
            yield path, pattern.callback


def test_all_routes_and_methods_are_documented() -> None:
    documented = {path.lstrip("/"): set(methods) for path, methods in build_openapi_document()["paths"].items()}
    routes = dict(list_api_routes(get_resolver().url_patterns))
    undocumented = routes.keys() - documented.keys()
    assert [path for path in undocumented if not any(re.fullmatch(known, path) for known in UNDOCUMENTED)] == []
    for path, methods in documented.items():
        assert methods == {method for method in METHODS if hasattr(routes[path].view_class, method)}


def test_operations_document_security_and_responses() -> None:
    for path, method, operation in operations():
        assert operation["summary"]
        assert operation["tags"]
        path_params = sorted(re.findall(r"{(\w+)}", path))
        documented = [param["name"] for param in operation.get("parameters", []) if param["in"] == "path"]
        assert sorted(documented) == path_params
        for status, response in operation["responses"].items():
            if int(status) >= 400 and path in OTLP_PATHS:
                assert response["content"].keys() == operation["requestBody"]["content"].keys()
                assert response["content"][JSON]["schema"]["title"] == "google.rpc.Status"
            elif int(status) >= 400:
                [(media_type, content)] = response["content"].items()
                assert (media_type, content["schema"]["$ref"]) == (JSON, "#/components/schemas/ErrorResponse")
        if operation["operationId"] in ("get_schema", "get_docs"):
            assert "security" not in operation
        else:
            assert_documents_api_key(path, method, operation)


def assert_documents_api_key(path: str, method: str, operation: dict[str, Any]) -> None:
    assert operation["security"] == [{"apiKey": []}]
    assert {"400", "401", "403", "503"} <= operation["responses"].keys()
    # items of a list may be posted before what they belong to
    assert ("404" in operation["responses"]) == ("_id}" in path and method != "post")
    if method == "post":
        assert {"413", "415"} <= operation["responses"].keys()
        stream = {"text/event-stream"} if "events" in path else set()
        lines = set() if path.endswith("items") or path in OTLP_PATHS else {"application/x-ndjson"}
        protobuf = {"application/x-protobuf"} if path in OTLP_PATHS and not path.endswith("ingest") else set()
        assert operation["requestBody"]["content"].keys() == {JSON} | lines | stream | protobuf


def test_guide_documents_all_error_codes() -> None:
    guide = build_openapi_document()["info"]["description"]
    assert "{{" not in guide
    for code, (status, meaning) in ERROR_CODES.items():
        assert f"| {status}, `{code}` | {meaning} |" in guide
    for outcome in Outcome:
        assert f"| `{outcome}` |" in guide


def test_described_fields_exist() -> None:
    for name, descriptions in [
        ("Run", examples.RUN_FIELD_DESCRIPTIONS),
        ("Step", examples.STEP_FIELD_DESCRIPTIONS),
        ("Message", examples.MESSAGE_FIELD_DESCRIPTIONS),
    ]:
        known = build_openapi_document()["components"]["schemas"][name]["properties"]
        assert descriptions.keys() <= known.keys() | {"usage", "last_error"}


# documented requests are accepted


def test_documented_parameters_are_accepted(client: ApiClient) -> None:
    client.post([run_object(), factories.failed_run()])
    group_id = str(ErrorGroup.objects.get().pk)
    values = {
        "from": "-24h",
        "to": "2026-05-01T14:30:00Z",
        "limit": "5",
        "cursor": client.get(f"{RUNS}?limit=1").json()["next_cursor"],
        "status": "failed",
        "split": "metadata.customer",
        "zone": "Asia/Kolkata",
    }
    expected_params = {
        "list_runs": {*RunFilters.PARAM_NAMES, "limit", "cursor", "sort"},
        "get_usage": {*RunFilters.PARAM_NAMES, *USAGE_PARAMETERS},
        "list_error_groups": {*RunFilters.PARAM_NAMES, *ERROR_GROUP_PARAMETERS},
        "get_error_group": {*RunFilters.PARAM_NAMES},
        "post_input_items": {"order", "after"},
        "post_conversation_items": {"order", "after"},
    }
    for path, method, operation in operations():
        params = {param["name"]: param for param in operation.get("parameters", []) if param["in"] == "query"}
        assert params.keys() == expected_params.get(operation["operationId"], set())
        for name, param in params.items() if method == "get" else ():
            value = param["schema"].get("enum", [values.get(name, "x")])[0]
            assert client.get(f"{path.format(group_id=group_id)}?{name}={value}").status_code == 200, name


def test_body_examples_are_accepted(client: ApiClient) -> None:
    for path, method, operation in operations():
        if method != "post":
            continue
        for media_type, content in operation["requestBody"]["content"].items():
            for example in content.get("examples", {}).values():
                value = example["value"]
                body = value if isinstance(value, str) else json.dumps(value)
                response = client.send(body.encode(), media_type, path)
                assert response.status_code in (200, 201), (path, media_type, response.content)
                assert validator(content["schema"]).is_valid(value)


def test_response_examples_match_their_schemas() -> None:
    for _, _, operation in operations():
        for response in operation["responses"].values():
            for content in response.get("content", {}).values():
                for example in content.get("examples", {}).values():
                    validator(content["schema"]).validate(example["value"])


# schemas and server reject the same objects

KINDS: list[tuple[str, dict[str, Any], Callable[[dict[str, bytes]], Any]]] = [
    ("Run", factories.waiting_run() | {"last_error": {"code": "x", "message": "y"}}, run.parse_run),
    ("Run", run_object(incomplete_details={"reason": "max_tokens"}, file_ids=["file_1"]), run.parse_run),
    ("Step", step_object(run_object(), factories.function_call("f"), {"type": "mcp", "name": "x"}), step.parse_step),
    ("Step", step_object(run_object()), step.parse_step),
    ("Message", factories.message_object(run_object()), message.parse_message),
    ("Assistant", factories.assistant_object(), assistant.parse_assistant),
]
VALUES: list[Any] = [None, True, 7, -1, 2**63, 0.5, "", "x" * 257, [], [1], ["x"], [{}], {}, {"type": "x"}, {"a": 1}]
VALUES += [120.0, 0.0, -0.0, 1e9, 9.3e18, 1e300, "a/b", "..", "a\n", " a"]
VALUES += [[{"type": "x"}], [{"type": "function"}], [{"type": "function", "function": {"name": 1}}], ...]


def changed(tree: Any, value: Any) -> Iterator[Any]:
    """Yield copies of `tree`, each with one value replaced by `value`, or removed if that is `...`."""
    keys = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, inner in list(keys):
        other = copy.copy(tree)
        if value is ...:
            del other[key]
        else:
            other[key] = value
        yield other
        for changed_inner in changed(inner, value):
            yield (
                copy.copy(tree) | {key: changed_inner}
                if isinstance(tree, dict)
                else [changed_inner if item == key else kept for item, kept in enumerate(tree)]
            )


@pytest.mark.parametrize(("name", "valid", "parse"), KINDS)
def test_schema_and_server_reject_the_same(
    name: str, valid: dict[str, Any], parse: Callable[[dict[str, bytes]], Any]
) -> None:
    schema = validator({"$ref": f"#/components/schemas/{name}"})
    schema.validate(valid)
    tried = 0
    for value in VALUES:
        for posted in changed(valid, value):
            try:
                parse(lossless_json.split_object(json.dumps(posted).encode()))
                accepted = True
            except RunglassError:
                accepted = False
            assert schema.is_valid(posted) == accepted, posted
            tried += 1
    assert tried > 200


# responses match the document


def assert_documented(response: Any, path: str, method: str = "get") -> None:
    operation = build_openapi_document()["paths"][path][method]
    content = operation["responses"][str(response.status_code)]["content"]
    media_type = response["Content-Type"]
    validator(content[media_type]["schema"]).validate(json.loads(response.content))


def test_responses_match_their_schemas(client: ApiClient) -> None:
    waiting = factories.waiting_run(id="run_1", vendor={"a": 1})
    ended = run_object(id="run_1", created_at=waiting["created_at"])
    steps = [step_object(ended), step_object(ended, factories.function_call("f"))]
    valid, invalid = run_object(), run_object(status=7)
    bodies: dict[str, list[Any]] = {
        "runs": [waiting, ended, waiting, ended, [valid, valid], [valid, invalid], invalid, [invalid]],
        "steps": [steps[0], steps, [steps[0], {}]],
        "messages": [factories.message_object(ended), [{}]],
        "events": [{"event": "thread.run.completed", "data": ended}, [{"event": "x", "data": 1}, {}], 7],
    }
    for name, posted in bodies.items():
        for body in posted:
            assert_documented(client.post(body, API_PREFIX + name), API_PREFIX + name, "post")
    for path in ("runs", "runs/{run_id}", "runs/{run_id}/steps", "runs/{run_id}/history"):
        response = client.get(API_PREFIX + path.format(run_id="run_1"))
        assert response.status_code == 200
        assert_documented(response, API_PREFIX + path)
    assert client.get(f"{RUNS}?limit=1").json()["next_cursor"]
    assert_documented(client.get(f"{RUNS}?limit=1"), RUNS)
    assert client.get(f"{RUNS}/run_1/history").json()[2]["outcome"] == "stale"
    assert len(client.get(f"{RUNS}/run_1/steps").json()["data"]) == 2


# serving the document


def test_document_needs_no_key() -> None:
    response = ApiClient(None).get(SCHEMA)
    assert (response.status_code, response["Content-Type"]) == (200, JSON)
    assert response.json() == build_openapi_document()


@pytest.mark.parametrize(
    "accepted", ["application/yaml", "application/vnd.oai.openapi", "application/vnd.oai.openapi+json"]
)
def test_accept_header_selects_the_format(accepted: str) -> None:
    response = ApiClient(None).get(SCHEMA, Accept=accepted)
    assert (response.status_code, response["Content-Type"]) == (200, accepted)
    assert yaml.safe_load(response.content) == build_openapi_document()
    assert "Accept" in response["Vary"]


def test_browsers_get_json() -> None:
    assert ApiClient(None).get(SCHEMA, Accept="text/html,*/*;q=0.8")["Content-Type"] == JSON


def test_unsupported_requests_are_rejected() -> None:
    assert_error(ApiClient(None).get(SCHEMA, Accept="image/png"), 406, "not_acceptable")
    assert_error(ApiClient(None).get(f"{SCHEMA}?version=2"), 400, "unknown_parameter")
    assert_error(ApiClient(None).get("/api/v1/docs?x=1"), 400, "unknown_parameter")
    assert_error(ApiClient(None).request("POST", SCHEMA), 405, "method_not_allowed")


# schemathesis: generated requests break nothing and get documented responses


@pytest.fixture
def api(project: Project) -> Iterator[Any]:
    """Return the schema of the application, which must not close the connection of the test's transaction."""
    factories.post(project, run_object(id="run_1"), run_object(id="run_2"))
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    schema = schemathesis.openapi.from_wsgi(SCHEMA, application)
    schema.config.update(headers={"Authorization": f"Bearer {factories.make_key(project)}"})
    yield schema
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


# Both checks expect that a body is accepted or rejected as a whole, and that 1.0 is an integer.
# `test_schema_and_server_reject_the_same` compares the schemas with the server value by value.
EXCLUDED_CHECKS = [positive_data_acceptance, negative_data_rejection]


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_schemathesis_finds_no_deviation(api: Any, mode: GenerationMode) -> None:
    answered: Counter[int] = Counter()
    for result in api.get_all_operations():
        operation = result.ok()
        if mode is GenerationMode.POSITIVE or operation.body or operation.query:
            answered += send_generated_requests(operation, mode)
    assert answered.total() > 100
    assert answered[201 if mode is GenerationMode.POSITIVE else 400]


def send_generated_requests(operation: Any, mode: GenerationMode) -> Counter[int]:
    """Send generated requests; each response must be documented."""
    answered: Counter[int] = Counter()

    @settings(
        max_examples=25,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        answered[case.call_and_validate(excluded_checks=EXCLUDED_CHECKS).status_code] += 1

    ask()
    return answered
