"""Function calls are validated against the schemas of their run's own tools."""

from __future__ import annotations

import json
import time
from random import Random
from typing import Any

import pytest

from runs.enrichment.argument_validation import validate_arguments
from runs.enrichment.function_calls import FindingKind, FunctionCallReport, PostedFunctionCall
from runs.enrichment.tool_call_validation import validate_function_calls

pytestmark = pytest.mark.django_db

SCHEMA_KEYWORDS = """
    $schema $id $ref $defs $anchor $dynamicRef $recursiveRef type properties items prefixItems enum const allOf anyOf
    not if then multipleOf divisibleBy maximum minLength maxProperties pattern patternProperties additionalProperties
    dependencies dependentRequired contains minContains required uniqueItems propertyNames unevaluatedItems
    unevaluatedProperties extends disallow id definitions
""".split()  # noqa: SIM905
ORDER = {
    "type": "object",
    "properties": {
        "order": {"type": "string", "pattern": r"^[A-Z]-\d+$"},
        "limit": {"type": ["integer", "null"], "minimum": 1},
        "state": {"enum": ["open", "closed"]},
        "lines": {"type": "array", "items": {"$ref": "#/$defs/line"}},
        "a/b~c": {"const": 1},
        "who": {"anyOf": [{"type": "string"}, {"type": "object", "required": ["name"]}]},
    },
    "required": ["order"],
    "additionalProperties": False,
    "$defs": {"line": {"type": "object", "properties": {"sku": {"type": "string"}}, "required": ["sku"]}},
}


def tool(parameters: Any, name: str = "find") -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


def validate(tools: Any, *calls: PostedFunctionCall) -> FunctionCallReport:
    return validate_function_calls(json.dumps(tools), calls)


def find(parameters: Any, arguments: Any) -> list[tuple[FindingKind, str, str]]:
    """Return the findings about one call of a function with that schema."""
    text = arguments if isinstance(arguments, str | None) else json.dumps(arguments)
    report = validate([tool(parameters)], PostedFunctionCall("call_1", "find", text))
    return [(finding.kind, finding.pointer, finding.message) for finding in report.findings]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"order": "A-1"}, []),
        ({"order": "A-1", "limit": None, "state": "open", "lines": [{"sku": "x"}], "a/b~c": 1}, []),
        ({"order": "A-1", "limit": 2.0}, []),
        ({"order": 3}, [("/order", "expected string, got integer")]),
        ({"order": "A-1", "limit": True}, [("/limit", "expected integer or null, got boolean")]),
        ({"order": "A-1", "limit": 0}, [("/limit", "0 is less than the minimum of 1")]),
        ({"order": "a"}, [("/order", "'a' does not match '^[A-Z]-\\\\d+$'")]),
        ({"order": "A-1", "state": "lost"}, [("/state", '"lost" is none of "open", "closed"')]),
        ({"order": "A-1", "lines": [{"sku": "x"}, {"sku": 1}]}, [("/lines/1/sku", "expected string, got integer")]),
        ({"order": "A-1", "a/b~c": 2}, [("/a~1b~0c", "expected 1, got 2")]),
        ({"order": "A-1", "who": 7}, [("/who", "7 is not valid under any of the given schemas")]),
        ({}, [("", "'order' is a required property")]),
        ({"order": "A-1", "oder": 1},
         [("", "Additional properties are not allowed ('oder' was unexpected)")]),
        ({"order": 1, "limit": "x"},
         [("/order", "expected string, got integer"), ("/limit", "expected integer or null, got string")]),
    ],
)  # fmt: skip
def test_arguments_are_validated_at_any_depth(arguments, expected):
    assert find(ORDER, arguments) == [(FindingKind.INVALID_ARGUMENTS, *each) for each in expected]


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ("", FindingKind.UNPARSEABLE, "Expecting value at character 1"),
        ('{"order": ', FindingKind.UNPARSEABLE, "Expecting value at character 11"),
        ('{"order": NaN}', FindingKind.UNPARSEABLE, "NaN is not a JSON value"),
        ("[" * 9000, FindingKind.UNPARSEABLE, "nested too deeply"),
        ("[]", FindingKind.NOT_AN_OBJECT, "expected an object"),
        ("null", FindingKind.NOT_AN_OBJECT, "expected an object"),
        ('"{}"', FindingKind.NOT_AN_OBJECT, "expected an object"),
        (
            '{"order": "' + "x" * 64_000 + '"}',
            FindingKind.NOT_VALIDATED,
            "the arguments are longer than 64,000 characters",
        ),
    ],
)
def test_arguments_must_be_a_json_object(arguments, kind, message):
    assert find(ORDER, arguments) == [(kind, "", message)]


@pytest.mark.parametrize("schema", [None, True, {}, {"type": "object"}])
def test_function_without_parameters_accepts_any_object(schema):
    assert find(schema, {"anything": 1}) == []


def test_missing_arguments_are_not_validated():
    assert find(ORDER, None) == []


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"type": "strin"}, "/type: "),
        ({"properties": []}, "/properties: expected object, got array"),
        ({"properties": {"a": {"minimum": "1"}}}, "/properties/a/minimum: expected number, got string"),
        ({"required": "a"}, "/required: expected array, got string"),
        ([], "expected object or boolean, got array"),
        ("string", "expected object or boolean, got string"),
        ({"$schema": "http://json-schema.org/draft-07/schema#", "type": 3}, "/type: "),
    ],
)
def test_invalid_schema_is_reported_once(schema, message):
    calls = [PostedFunctionCall(f"call_{number}", "find", "{}") for number in range(3)]
    (finding,) = validate([tool(schema)], *calls).findings
    assert finding.kind is FindingKind.INVALID_SCHEMA
    assert finding.message.startswith(message)


def bomb() -> dict[str, Any]:
    """Return a schema whose thirty definitions each double the previous: a billion evaluations."""
    doubled = {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(30)}
    return {"$ref": "#/$defs/d0", "$defs": doubled | {"d30": {"type": "object"}}}


@pytest.mark.parametrize(
    ("schema", "arguments", "message"),
    [
        ({"$ref": "http://127.0.0.1:9/schema.json"}, {}, "the schema refers to something outside it: "),
        ({"$ref": "#/$defs/gone"}, {}, "the schema refers to something outside it: "),
        ({"$ref": "file:///etc/passwd"}, {}, "the schema refers to something outside it: "),
        ({"$ref": "#"}, {}, "the schema refers to itself endlessly"),
        (bomb(), {}, "too complex: the validation takes too long"),
        ({"$schema": "https://json-schema.org/draft/2020-12/schema"} | bomb(), {}, "too complex: the"),
        ({"properties": {"a": {"pattern": "^(?=a)"}}}, {"a": "a"}, "the pattern ^(?=a) is not supported"),
        ({"patternProperties": {r"(a)\1": {}}}, {"aa": 1}, r"the pattern (a)\1 is not supported"),
        ({"properties": {"a": {"pattern": ".{9000}"}}}, {"a": "a"}, "the pattern .{9000} is not supported"),
        ({"allOf": [{"properties": {"a": {"pattern": "^a+$"}}}] * 2}, {"a": "a" * 60_000}, "too complex: the"),
        ({"patternProperties": {"^a": {}}, "unevaluatedProperties": False}, {"a": 1}, "the schema combines"),
        ({"properties": {"a": {"$ref": "#/x"}}, "x": {"minimum": "1"}}, {"a": 1}, "the schema refers to a part"),
        ({"properties": {"a": {"uniqueItems": True}}}, {"a": [[n] for n in range(5000)]}, "too complex: the"),
        ({"description": "x" * 33_000}, {}, "the schema is longer than 32,000 characters"),
    ],
)  # fmt: skip
def test_unbounded_or_remote_validation_is_skipped(schema, arguments, message):
    begin = time.process_time()
    ((kind, pointer, text),) = find(schema, arguments)
    assert time.process_time() - begin < 5
    assert kind is FindingKind.NOT_VALIDATED
    assert text.startswith(message)
    assert not pointer


@pytest.mark.parametrize(
    ("schema", "arguments", "kind", "message"),
    [
        ({"properties": {"x": {"type": "string", "pattern": "^((a?){65000}){65000}$"}}}, '{"x": ""}',
         FindingKind.NOT_VALIDATED, "the pattern ^((a?){65000}){65000}$ is not supported"),
        ({"$ref": "#/x", "x": {"type": "any"}}, "{}", FindingKind.NOT_VALIDATED, "the schema refers to a part"),
        ({"$schema": 5}, "{}", FindingKind.INVALID_SCHEMA, "/$schema: expected string, got integer"),
        ({"$ref": "#/allOf/x", "allOf": [{}]}, "{}", FindingKind.NOT_VALIDATED, "the schema refers to a part"),
        ({"not": {"$ref": "#/x"}, "x": {"extends": {"disallow": [{"divisibleBy": 0}]}, "type": [["x"]]}}, "{}",
         FindingKind.NOT_VALIDATED, "the schema refers to a part"),
        ({"properties": {"x": {"multipleOf": 0.01}}}, '{"x": 1e999}', FindingKind.NOT_VALIDATED, "the number 1e999"),
        ({"properties": {"x": {"multipleOf": 0.01}}}, '{"x": 1' + "0" * 400 + "}", FindingKind.NOT_VALIDATED,
         "the numbers are too large to compare"),
        ({"properties": {"x": {"type": "integer"}}}, '{"x": ' + "7" * 5000 + "}", FindingKind.NOT_VALIDATED,
         "the number 77777777777777777777… has 5,000 digits"),
        ('{"maxProperties": ' + "9" * 5000 + "}", "{}", FindingKind.NOT_VALIDATED, "the number 99999999999999999999…"),
        ({"enum": list(range(6000))}, "{}", FindingKind.INVALID_ARGUMENTS, "{} is none of 0, 1, 2"),
        ({"type": "object", "description": "x" * 2_100_000}, "{}", FindingKind.NOT_VALIDATED,
         "the run's tools are longer than 2,000,000 characters"),
    ],
)  # fmt: skip
def test_unusable_schemas_and_numbers_are_findings(schema, arguments, kind, message):
    tools = json.dumps([tool("SCHEMA")])
    tools = tools.replace('"SCHEMA"', schema if isinstance(schema, str) else json.dumps(schema))
    ((found),) = validate_function_calls(tools, [PostedFunctionCall("call_1", "find", arguments)]).findings
    assert found.kind is kind
    assert found.message.startswith(message)


@pytest.mark.parametrize("uri", ["http://[host]/schema", "", "urn:x", "http://json-schema.org/draft-07/schema"])
def test_any_schema_uri_is_accepted(uri):
    assert find({"$schema": uri, "type": "object"}, {}) == []


def test_random_schemas_never_fail():
    random = Random(7)
    for _ in range(300):
        schema = {"$ref": "#/x", "x": random_schema(random), "properties": {"a": {"$ref": "#/x"}}}
        for arguments in ("{}", '{"a": 1, "x": [1, {"b": null}], "type": "b"}'):
            validate_arguments(json.dumps(schema), arguments)


def random_schema(random: Random, depth: int = 0) -> Any:
    values = [
        "any",
        "object",
        "#",
        "#/x",
        "#/allOf/x",
        "#/$defs/a",
        "http://[host]/s",
        "a",
        "%",
        "(",
        [],
        {},
        0,
        0.01,
        True,
    ]
    if depth == 4 or random.random() < 0.3:
        return random.choice(values)
    members = {random.choice(SCHEMA_KEYWORDS): random_schema(random, depth + 1) for _ in range(3)}
    return members if random.random() < 0.8 else list(members.values())


def test_undeclared_functions_are_reported():
    tools = [tool(ORDER), tool({}, "idle"), {"type": "code_interpreter"}, {"type": "function"}, "odd", tool({}, "late")]
    report = validate(
        tools, PostedFunctionCall("call_1", "find", '{"order": "A-1"}'), PostedFunctionCall("call_2", "gone", "{")
    )
    assert [(finding.kind, finding.call.id) for finding in report.findings] == [(FindingKind.UNDECLARED, "call_2")]
    assert report.errors == report.invalid_calls == report.findings


def test_first_of_two_equal_function_names_counts():
    report = validate([tool({"required": ["a"]}), tool({})], PostedFunctionCall("call_1", "find", "{}"))
    assert [finding.kind for finding in report.findings] == [FindingKind.INVALID_ARGUMENTS]


def test_only_first_violations_are_reported():
    schema = {"additionalProperties": {"type": "string"}}
    assert len(find(schema, {str(number): number for number in range(50)})) == 5


@pytest.mark.parametrize(
    ("pattern", "string", "is_valid"),
    [
        ("^(a+)+$", "a" * 40 + "b", False),
        (r"^\d$", "\u0663", False),  # ECMA-262: ASCII digits only
        (r"^\p{L}+$", "\u00e9", True),
        (r"^[\u4e00-\u9fa5]+$", "\u6f22", True),
        ("^a$", "a\n", False),  # unlike in Python
        ("a", "\ud800a", True),
    ],
)
def test_patterns_are_ecma_in_linear_time(pattern, string, is_valid):
    begin = time.process_time()
    findings = find({"properties": {"a": {"pattern": pattern}}}, {"a": string})
    assert time.process_time() - begin < 5
    assert (findings == []) is is_valid


def test_additional_properties_exclude_pattern_properties():
    schema = {
        "properties": {"id": {}},
        "patternProperties": {"^x-": {"type": "string"}},
        "additionalProperties": {"type": "integer"},
    }
    assert find(schema, {"id": None, "x-note": "text", "count": 1}) == []
    assert [(pointer, message) for _, pointer, message in find(schema, {"x-note": 1, "count": "1"})] == [
        ("/x-note", "expected string, got integer"),
        ("/count", "expected integer, got string"),
    ]
    ((_, _, message),) = find({**schema, "additionalProperties": False}, {"x-a": "", "other": 1})
    assert message == "Additional properties are not allowed ('other' was unexpected)"


@pytest.mark.parametrize("tools", [None, "null"])
def test_calls_without_sent_tools_have_no_findings(tools):
    call = PostedFunctionCall("call_1", "find", "{")
    assert validate_function_calls(tools, [call]) == FunctionCallReport()
