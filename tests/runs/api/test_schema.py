"""The OpenAPI document: valid, complete, and true, which is to say that the API does what it says."""

from __future__ import annotations

import copy
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from fnmatch import fnmatch
from typing import Any

import pytest
import schemathesis
import yaml
from django.contrib.staticfiles import finders
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from drf_spectacular.drainage import GENERATOR_STATS
from hypothesis import HealthCheck, Phase, given, settings
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate
from schemathesis import GenerationMode
from schemathesis.checks import negative_data_rejection, positive_data_acceptance

from dashboard.server.startup_checks import UNUSED_STATIC_FILES
from dashboard.wsgi import application
from runs.analytics.usage.query import USAGE_PARAMETERS
from runs.api import urls
from runs.api.base_views import StrictApiView
from runs.api.openapi import API_PREFIX, build_openapi_document, examples
from runs.errors import RunglassError
from runs.models import Project
from runs.protocol import assistant, lossless_json, message, run, step
from runs.query.run_filters import _PARAMS
from tests import factories
from tests.factories import run_object, step_object
from tests.runs.api.caller import JSON, RUNS, Caller, error_of

SCHEMA = "/api/v1/schema"
METHODS = ("get", "post", "put", "patch", "delete")


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in build_openapi_document()["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def validator(schema: dict[str, Any]) -> Draft202012Validator:
    return Draft202012Validator({**schema, "components": build_openapi_document()["components"]})


# valid and complete


def test_the_document_is_valid() -> None:
    assert build_openapi_document()["openapi"].startswith("3.1")
    validate(build_openapi_document())


def test_it_is_made_without_guessing(capsys: pytest.CaptureFixture[str]) -> None:
    GENERATOR_STATS.reset()
    build_openapi_document.__wrapped__()
    assert not GENERATOR_STATS._warn_cache
    assert not GENERATOR_STATS._error_cache
    assert capsys.readouterr() == ("", "")


def test_every_route_and_method_is_described() -> None:
    routed = {}
    for pattern in urls.urlpatterns:
        view = getattr(pattern.callback, "view_class", None)
        if view is not None and issubclass(view, StrictApiView):
            path = API_PREFIX + re.sub("<(?:[^:>]+:)?([^>]+)>", r"{\1}", str(pattern.pattern))
            routed[path] = {method for method in METHODS if hasattr(view, method)}
        else:
            assert pattern.callback.__name__ == "unknown_path"
    assert {path: set(methods) for path, methods in build_openapi_document()["paths"].items()} == routed


def test_every_operation_says_what_it_needs_and_answers() -> None:
    for path, method, operation in operations():
        assert operation["summary"]
        assert operation["tags"]
        named = re.findall(r"{(\w+)}", path)
        assert [each["name"] for each in operation.get("parameters", []) if each["in"] == "path"] == named
        for status, response in operation["responses"].items():
            if int(status) >= 400:
                [(media_type, content)] = response["content"].items()
                assert (media_type, content["schema"]["$ref"]) == (JSON, "#/components/schemas/Error")
        if operation["operationId"] in ("get_schema", "get_docs"):
            assert "security" not in operation
        else:
            assert_keyed(path, method, operation)


def assert_keyed(path: str, method: str, operation: dict[str, Any]) -> None:
    assert operation["security"] == [{"apiKey": []}]
    assert {"400", "401", "403", "503"} <= operation["responses"].keys()
    assert ("404" in operation["responses"]) == ("{run_id}" in path)
    if method == "post":
        assert {"413", "415"} <= operation["responses"].keys()
        stream = {"text/event-stream"} if "events" in path else set()
        assert operation["requestBody"]["content"].keys() == {JSON, "application/x-ndjson"} | stream


def test_the_words_are_about_fields_that_there_are() -> None:
    for name, said in [
        ("Run", examples.RUN_FIELD_DESCRIPTIONS),
        ("Step", examples.STEP_FIELD_DESCRIPTIONS),
        ("Message", examples.MESSAGE_FIELD_DESCRIPTIONS),
    ]:
        known = build_openapi_document()["components"]["schemas"][name]["properties"]
        assert said.keys() <= known.keys() | {"usage", "last_error"}


# true: what is documented is accepted


def test_every_documented_parameter_is_accepted_and_no_other(caller: Caller) -> None:
    caller.post([run_object(), run_object()])
    values = {
        "from": "-24h",
        "to": "2026-05-01T14:30:00Z",
        "limit": "5",
        "sort": "-created",
        "cursor": caller.get(f"{RUNS}?limit=1").json()["next_cursor"],
        "status": "failed",
        "range": "24h",
        "split": "metadata.customer",
        "measure": "cost",
        "zone": "Asia/Kolkata",
    }
    taken = {"list_runs": {*_PARAMS, "limit", "cursor", "sort"}, "get_usage": {*_PARAMS, *USAGE_PARAMETERS}}
    for path, _, operation in operations():
        documented = {each["name"] for each in operation.get("parameters", []) if each["in"] == "query"}
        assert documented == taken.get(operation["operationId"], set())
        for name in documented:
            assert caller.get(f"{path}?{name}={values.get(name, 'x')}").status_code == 200, name


def test_every_example_of_a_body_is_accepted(caller: Caller) -> None:
    for path, method, operation in operations():
        if method != "post":
            continue
        for media_type, content in operation["requestBody"]["content"].items():
            for example in content["examples"].values():
                value = example["value"]
                body = value if isinstance(value, str) else json.dumps(value)
                response = caller.send(body.encode(), media_type, path)
                assert response.status_code in (200, 201), (path, media_type, response.content)
                assert validator(content["schema"]).is_valid(value)


def test_every_example_of_an_answer_is_like_its_schema() -> None:
    for _, _, operation in operations():
        for response in operation["responses"].values():
            for content in response.get("content", {}).values():
                for example in content.get("examples", {}).values():
                    validator(content["schema"]).validate(example["value"])


# true: what the schemas refuse is refused, and nothing else

KINDS: list[tuple[str, dict[str, Any], Callable[[dict[str, bytes]], Any]]] = [
    ("Run", factories.waiting_run() | {"last_error": {"code": "x", "message": "y"}}, run.parse_run),
    ("Run", run_object(incomplete_details={"reason": "max_tokens"}, file_ids=["file_1"]), run.parse_run),
    ("Step", step_object(run_object(), factories.function_call("f"), {"type": "mcp", "name": "x"}), step.parse_step),
    ("Step", step_object(run_object()), step.parse_step),
    ("Message", factories.message_object(run_object()), message.parse_message),
    ("Assistant", factories.assistant_object(), assistant.parse_assistant),
]
VALUES: list[Any] = [None, True, 7, -1, 2**63, 0.5, "", "x" * 257, [], [1], ["x"], [{}], {}, {"type": "x"}, {"a": 1}]
VALUES += [[{"type": "x"}], [{"type": "function"}], [{"type": "function", "function": {"name": 1}}], ...]


def changed(tree: Any, value: Any) -> Iterator[Any]:
    """`tree` with each of its values in turn replaced by `value`, or left out where that is `...`."""
    places = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for place, inner in list(places):
        other = copy.copy(tree)
        if value is ...:
            del other[place]
        else:
            other[place] = value
        yield other
        for changed_inner in changed(inner, value):
            yield (
                copy.copy(tree) | {place: changed_inner}
                if isinstance(tree, dict)
                else [changed_inner if each == place else kept for each, kept in enumerate(tree)]
            )


@pytest.mark.parametrize(("name", "valid", "parse"), KINDS)
def test_the_schema_refuses_what_the_server_refuses(
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


# true: answers are as documented


def assert_documented(response: Any, path: str, method: str = "get") -> None:
    operation = build_openapi_document()["paths"][path][method]
    content = operation["responses"][str(response.status_code)]["content"]
    media_type = response["Content-Type"]
    validator(content[media_type]["schema"]).validate(json.loads(response.content))


def test_answers_are_as_documented(caller: Caller) -> None:
    waiting = factories.waiting_run(id="run_1", vendor={"a": 1})
    ended = run_object(id="run_1", created_at=waiting["created_at"])
    steps = [step_object(ended), step_object(ended, factories.function_call("f"))]
    good, bad = run_object(), run_object(status=7)
    bodies: dict[str, list[Any]] = {
        "runs": [waiting, ended, waiting, ended, [good, good], [good, bad], bad, [bad]],
        "steps": [steps[0], steps, [steps[0], {}]],
        "messages": [factories.message_object(ended), [{}]],
        "events": [{"event": "thread.run.completed", "data": ended}, [{"event": "x", "data": 1}, {}], 7],
    }
    for name, posted in bodies.items():
        for body in posted:
            assert_documented(caller.post(body, API_PREFIX + name), API_PREFIX + name, "post")
    for path in ("runs", "runs/{run_id}", "runs/{run_id}/steps", "runs/{run_id}/history"):
        response = caller.get(API_PREFIX + path.format(run_id="run_1"))
        assert response.status_code == 200
        assert_documented(response, API_PREFIX + path)
    assert caller.get(f"{RUNS}?limit=1").json()["next_cursor"]
    assert_documented(caller.get(f"{RUNS}?limit=1"), RUNS)
    assert caller.get(f"{RUNS}/run_1/history").json()[2]["outcome"] == "stale"
    assert len(caller.get(f"{RUNS}/run_1/steps").json()["data"]) == 2


# how it is served


def test_nobody_needs_a_key_to_read_it() -> None:
    response = Caller(None).get(SCHEMA)
    assert (response.status_code, response["Content-Type"]) == (200, JSON)
    assert response.json() == build_openapi_document()


@pytest.mark.parametrize(
    "accepted", ["application/yaml", "application/vnd.oai.openapi", "application/vnd.oai.openapi+json"]
)
def test_the_form_is_what_is_accepted(accepted: str) -> None:
    response = Caller(None).get(SCHEMA, Accept=accepted)
    assert (response.status_code, response["Content-Type"]) == (200, accepted)
    assert yaml.safe_load(response.content) == build_openapi_document()
    assert "Accept" in response["Vary"]


def test_a_browser_gets_json() -> None:
    assert Caller(None).get(SCHEMA, Accept="text/html,*/*;q=0.8")["Content-Type"] == JSON


def test_what_it_cannot_be_is_refused() -> None:
    error_of(Caller(None).get(SCHEMA, Accept="image/png"), 406, "not_acceptable")
    error_of(Caller(None).get(f"{SCHEMA}?version=2"), 400, "unknown_parameter")
    error_of(Caller(None).get("/api/v1/docs?x=1"), 400, "unknown_parameter")
    error_of(Caller(None).request("POST", SCHEMA), 405, "method_not_allowed")


def test_the_page_keeps_the_sites_policy_but_for_its_icons() -> None:
    page, other = Caller(None).get("/api/v1/docs"), Caller(None).get("/login/")
    policies = [response["Content-Security-Policy"] for response in (page, other)]
    assert policies[0].replace("img-src 'self' data:", "img-src 'self'") == policies[1]
    html = page.content.decode()
    assert SCHEMA in html
    for name in re.findall(r'(?:src|href)="/static/([^"]+)"', html):
        assert finders.find(name), name
        assert not any(fnmatch(name, pattern) for pattern in UNUSED_STATIC_FILES), name
    assert not re.search(r"//[a-z]|<style|style=|<script>| on\w+=", html.replace("<!doctype", ""))


# schemathesis: whatever its strategies make of the document, nothing breaks and every answer is documented


@pytest.fixture
def api(project: Project) -> Iterator[Any]:
    """The application itself, which must not close the connection that the test's transaction is on."""
    factories.post(project, run_object(id="run_1"), run_object(id="run_2"))
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    schema = schemathesis.openapi.from_wsgi(SCHEMA, application)
    schema.config.update(headers={"Authorization": f"Bearer {factories.make_key(project)}"})
    yield schema
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


# Both know only accepted and refused: but of many objects some may be refused, and 1.0, to JSON Schema an integer, is
# none to the protocol. What is refused is compared with the schema above, and value by value.
NOT_ASKED = [positive_data_acceptance, negative_data_rejection]


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_schemathesis_finds_nothing(api: Any, mode: GenerationMode) -> None:
    answered: Counter[int] = Counter()
    for found in api.get_all_operations():
        operation = found.ok()
        if mode is GenerationMode.POSITIVE or operation.body or operation.query:
            answered += try_out(operation, mode)
    assert answered.total() > 100
    assert answered[201 if mode is GenerationMode.POSITIVE else 400]


def try_out(operation: Any, mode: GenerationMode) -> Counter[int]:
    """Ask for what the operation's strategy comes up with; each answer must be as documented."""
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
        answered[case.call_and_validate(excluded_checks=NOT_ASKED).status_code] += 1

    ask()
    return answered
