"""The grammar: syntax errors, canonical forms and descriptions of queries."""

from __future__ import annotations

import contextlib
import json
import string
from typing import Any
from urllib.parse import parse_qs

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from runs.errors import InvalidFilter
from runs.models import Project
from runs.query import Query, RunFilters
from runs.query.ast import FreeText, QueryNode, Term, join_and, join_or, negate
from runs.query.fields import QUERY_FIELDS
from runs.query.grammar import MAX_QUERY_DEPTH, MAX_QUERY_LENGTH, MAX_QUERY_VALUES, find_query_mistake
from runs.query.operators import (
    Comparison,
    Contains,
    CountQuantity,
    DollarQuantity,
    DurationQuantity,
    Equals,
    Exists,
    Operator,
    Range,
    TimeQuantity,
    Wildcard,
)
from tests.runs.api.api_client import RUNS, ApiClient, assert_error

# query, column, and part of the message
SYNTAX_ERRORS = [
    ("statsu:failed", 1, "unknown field 'statsu'; did you mean 'status'?"),
    ("model:o3 statsu:failed", 10, "did you mean 'status'?"),
    ("Status:failed", 1, "did you mean 'status'?"),
    ("customer:acme", 1, "metadata.customer"),
    ("http://example", 1, "unknown field 'http'"),
    ("12:30", 1, "unknown field '12'"),
    (":failed", 1, "expected a field before ':'"),
    ("status:faild", 8, "unknown value 'faild'; did you mean 'failed'?"),
    ("status:failed,expird", 15, "did you mean 'expired'?"),
    ('status:"complete"', 8, "did you mean 'completed'?"),
    ("revision:v3", 10, "expected one of v1, v2, azure"),
    ("status:", 8, "expected a value right after 'status:'"),
    ("status: failed", 8, "expected a value right after 'status:'"),
    ("(status:)", 9, "expected a value right after 'status:'"),
    ("status:failed,", 14, "a comma separates two values of a field"),
    ("status:failed, expired", 14, "a comma separates two values of a field"),
    ("status:failed ,expired", 15, "a comma separates two values of a field"),
    ("status:,failed", 8, "expected a value right after 'status:'"),
    ("failed,expired", 7, "a comma separates two values of a field"),
    ('status:""', 8, "expected text between the quotes"),
    ('""', 1, "expected text between the quotes"),
    ('"timed out', 1, "this quote is never closed"),
    ('model:o3 "timed out', 10, "this quote is never closed"),
    ('metadata."odd key:x', 10, "this quote is never closed"),
    ('"timed"out', 8, "expected a space after the quote"),
    ('timed"out"', 6, "expected a space before the quote"),
    ("(status:failed", 1, "this '(' is never closed"),
    ("model:o3 (status:failed (error:*)", 10, "this '(' is never closed"),
    ("status:failed)", 14, "this ')' has no matching '('"),
    ("()", 2, "expected a search term before ')'"),
    ("timeout(30)", 8, "expected a space before '('"),
    ("model:gpt(4)", 10, "expected a space before '('"),
    ("OR status:failed", 1, "before 'OR'"),
    ("status:failed OR", 15, "after 'OR'"),
    ("status:failed AND", 15, "after 'AND'"),
    ("(status:failed OR) model:o3", 16, "after 'OR'"),
    ("a OR OR b", 6, "before 'OR'"),
    ("NOT", 1, "after 'NOT'"),
    ("a -", 3, "expected a search term right after '-'"),
    ("a or b", 3, "write OR in capitals"),
    ("not status:failed", 1, "write NOT in capitals"),
    ("run_ab*", 7, "'*' is allowed only in the value of a field"),
    ("model:>5", 7, "this field can't be compared"),
    ("metadata.n:>5", 12, "this field can't be compared"),
    ("status.x:failed", 7, "did you mean 'metadata.x'?"),
    ("metadata:acme", 1, "'metadata' needs a key"),
    ("metadata.a*:b", 11, "'*' is not allowed in a key"),
    ("total_tokens:many", 14, "expected a whole number"),
    ("total_tokens:1.5", 14, "expected a whole number"),
    ("total_tokens:>", 14, "expected a whole number"),
    ("total_tokens:-5", 14, "expected a whole number"),
    ("total_tokens:99999999999999999999", 14, "expected a whole number"),
    ('total_tokens:"5"', 14, "without quotes"),
    ("total_tokens:1,000", 14, "did you mean '1000'?"),
    ("-total_tokens:>1,234,567", 15, "did you mean '>1234567'?"),
    ("cost:>=$1,200.50", 6, "did you mean '>=$1200.50'?"),
    ("total_tokens:5..", 14, "expected both ends of the range"),
    ("total_tokens:200..100", 14, "did you mean '100..200'?"),
    ('tag:"a,b"', 5, "expected a tag of at most 40 characters"),
    ("tag:>urgent", 5, "this field can't be compared"),
    ("cost:free", 6, "expected an amount in dollars such as 0.05, >$1 or 0.01..0.5"),
    ("cost:0.0000000001", 6, "expected an amount"),
    ("cost:99999999999", 6, "expected an amount"),
    ("cost:$2..$1", 6, "did you mean '$1..$2'?"),
    ("total_tokens:1..2..3", 14, "expected a whole number"),
    ("duration:30", 10, "expected a duration with a unit"),
    ("duration:30x", 10, "expected a duration with a unit"),
    ("duration:>1w", 10, "expected a duration with a unit"),
    ("duration:0.1ms", 10, "expected a duration with a unit"),
    ("duration:99999999999d", 10, "expected a duration with a unit"),
    ("queue:2m..1m", 7, "did you mean '1m..2m'?"),
    ("created:yesterday", 9, "expected a time such as 2026-05-01"),
    ("created:2026-13-01", 9, "expected a time such as 2026-05-01"),
    ("created:-7y", 9, "expected a time such as 2026-05-01"),
    ("created:=-7d", 9, "'=' does not work with a relative time"),
    ("created:2026-05-08..2026-05-01", 9, "did you mean '2026-05-01..2026-05-08'?"),
    ("created:-1d..-7d", 9, "did you mean '-7d..-1d'?"),
    ("instructions:ref*", 14, "without '*'"),
    ("x" * 257, 1, "expected at most 256 characters to search for, found 257"),
    ("model:" + "*a" * 200, 7, "expected at most 256 characters to search for, found 400"),
    (f'error:"{"x" * 300}"', 7, "expected at most 256 characters to search for, found 300"),
    ("configuration:refund", 15, "expected the first 4 to 32 hexadecimal digits"),
    ("configuration:*", 15, "digits of a configuration's id"),
    ("error_group:b4e", 13, "the first 4 to 32 hexadecimal digits of an error group's id"),
    ("a\0b", 2, "must not contain NUL or lone surrogates"),
    ("ab\ud800", 3, "must not contain NUL or lone surrogates"),
    ("a" * (MAX_QUERY_LENGTH + 1), MAX_QUERY_LENGTH + 1, "expected at most 4,000 characters, found 4,001"),
    (" ".join("a" * (MAX_QUERY_VALUES + 1)), 2 * MAX_QUERY_VALUES + 1, "expected at most 100 values"),
    ("(" * MAX_QUERY_LENGTH, MAX_QUERY_LENGTH, "this '(' is never closed"),
]  # fmt: skip


def get_error_message(text: str) -> str:
    with pytest.raises(InvalidFilter) as caught:
        Query.parse(text)
    (problem,) = caught.value.problems
    assert problem.path == "q"
    return problem.message


@pytest.mark.parametrize(("text", "column", "expected"), SYNTAX_ERRORS)
def test_syntax_error_names_column(text: str, column: int, expected: str) -> None:
    message = get_error_message(text)
    assert message.startswith(f"column {column}: ")
    assert expected in message


def test_deep_nesting_is_rejected_but_not_parentheses() -> None:
    deep = "a"
    for number in range(MAX_QUERY_DEPTH):
        deep = f"({deep} {'OR' if number % 2 else 'AND'} b{number})"
    assert f"expected at most {MAX_QUERY_DEPTH} levels of nesting" in get_error_message(deep)
    assert str(Query.parse("(" * 1900 + "a" + ")" * 1900)) == "a"
    assert str(Query.parse("NOT " * 900 + "a")) == "a"
    assert str(Query.parse("-" * 901 + "a")) == "-a"


def test_rest_api_rejects_with_400_and_column(project: Project) -> None:
    caller = ApiClient.for_project(project, "read")
    error = assert_error(caller.get(f"{RUNS}?q=model:o3+statsu:failed"), 400, "invalid_filter")
    assert error["message"] == "q: column 10: unknown field 'statsu'; did you mean 'status'?"
    assert error["fields"] == [{"path": "q", "message": error["message"].removeprefix("q: ")}]
    error = assert_error(caller.get(f"{RUNS}?q=a&q=b:1&status=faild"), 400, "invalid_filter")
    assert [field["path"] for field in error["fields"]] == ["status", "q"]
    assert json.loads(caller.get(f"{RUNS}?q=").content)["data"] == []


CANONICAL_FORMS = [
    ("status:failed AND model:o3", "status:failed model:o3"),
    ("  status:failed\n\tmodel:o3 ", "status:failed model:o3"),
    ("NOT status:failed", "-status:failed"),
    ("NOT NOT status:failed", "status:failed"),
    ("-(a b)", "-(a b)"),
    ("((a OR (b OR c)))", "a OR b OR c"),
    ("a b OR c d", "a b OR c d"),
    ("(a OR b) c", "(a OR b) c"),
    ("a a", "a"),
    ("status:failed,failed", "status:failed"),
    ('status:"failed"', "status:failed"),
    ('model:"a b",c', 'model:"a b",c'),
    ('model:"*"', 'model:"*"'),
    ('model:">5"', 'model:">5"'),
    ("model:**", "model:*"),
    ("error_message:quota", 'error_message:"quota"'),
    ('metadata."customer":acme', "metadata.customer:acme"),
    ('metadata."a \\"b\\" \\\\":x', 'metadata."a \\"b\\" \\\\":x'),
    ("metadata.a.b:x", "metadata.a.b:x"),
    ("cost:>$0.050", "cost:>0.05"),
    ("cost:1.0..$20", "cost:1..20"),
    ("tag:Needs-Review", "tag:needs-review"),
    ("reviewed:*", "reviewed:yes"),
    ('reviewed:"Ann Lee"', 'reviewed:"Ann Lee"'),
    ("total_tokens:=1k", "total_tokens:1000"),
    ("total_tokens:1.5k..2M", "total_tokens:1500..2000000"),
    ("duration:90s", "duration:90s"),
    ("duration:1m30s", "duration:90s"),
    ("duration:120000ms", "duration:2m"),
    ("duration:1500ms", "duration:1500ms"),
    ("duration:0ms", "duration:0s"),
    ("created:>=-7d", "created:-7d"),
    ("created:>=2026-05-01T14:30+02:00", "created:>=2026-05-01T12:30:00Z"),
    ("configuration:3F2A-9C00*", "configuration:3f2a9c00"),
    ('"OR" "a b" "x:y"', '"OR" "a b" "x:y"'),
    ('"plain"', "plain"),
    ("a-b é 中文", "a-b é 中文"),
]


@pytest.mark.parametrize(("text", "canonical"), CANONICAL_FORMS)
def test_query_has_one_canonical_form(text: str, canonical: str) -> None:
    assert str(Query.parse(text)) == canonical
    assert str(Query.parse(canonical)) == canonical


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("status:failed,expired", "status is failed or expired"),
        ("-model:gpt-4o refund", 'model is not gpt-4o and "refund" is found'),
        ("-refund OR (error:* -error:\"no answer\")",
         '"refund" is not found or error is set and error does not contain "no answer"'),
        ("(a OR b) -(c d)", '("a" is found or "b" is found) and not ("c" is found and "d" is found)'),
        ("cost:>0.05 -cost:<1", "estimated cost is more than $0.05 and estimated cost is not less than $1"),
        ("-tag:urgent", "tag is not urgent"),
        ("total_tokens:>1000 duration:1m..2h", "total tokens is more than 1,000 and duration is between 1m and 2h"),
        ("created:-7d -metadata.customer:ac*", "created in the last 7 days and metadata customer does not match ac*"),
        ("created:2026-05-01 ended:<2026-05-01T12:00:00Z",
         "created on 2026-05-01 and ended before 1 May 2026, 12:00:00 UTC"),
    ],
)  # fmt: skip
def test_query_describes_itself(text: str, words: str) -> None:
    assert Query.parse(text).describe() == words
    assert RunFilters(q=Query.parse(text)).describe() == f"runs where {words}"


# trees of every shape, with likely and unlikely values
odd_texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=8)
plain_texts = st.sampled_from(
    ["gpt-4o", "a b", "x:y", 'q"', "back\\", "(", "*", ">1", "-x", "OR", "not", "é", ",", ".."]
)
texts = plain_texts | odd_texts
instants = st.sampled_from(["-7d", "-24h", "2026-05-01", "2026-05-01T14:30:00Z"]).map(TimeQuantity)
signs = st.sampled_from([">", ">=", "<", "<=", "="])


def comparisons(made: type[CountQuantity | DurationQuantity], most: int) -> st.SearchStrategy[Operator]:
    numbers = st.integers(0, most)
    pairs = st.lists(numbers, min_size=2, max_size=2).map(sorted)
    return st.one_of(
        st.just(Exists()),
        st.builds(Comparison, signs, numbers.map(made)),
        pairs.map(lambda pair: Range(made(pair[0]), made(pair[1]))),
    )


def term(
    name: str, matches: st.SearchStrategy[Any], key: st.SearchStrategy[str | None]
) -> st.SearchStrategy[QueryNode]:
    several = st.lists(matches, min_size=1, max_size=3, unique=True).map(tuple)
    return st.builds(Term, st.just(name), several, key)


no_key = st.none()
choices = st.just(Exists()) | texts.map(Equals) | st.sampled_from(["gpt-*", "*o", "a*b*"]).map(Wildcard)
times = st.just(Exists()) | st.builds(Comparison, st.sampled_from([">", ">=", "<", "<="]), instants)
terms = st.one_of(
    term("status", st.sampled_from(["failed", "expired"]).map(Equals), no_key),
    term("model", choices, no_key),
    term("metadata", choices, texts),
    term("error", texts.map(Contains), no_key),
    term("instructions", texts.map(Contains), no_key),
    term("total_tokens", comparisons(CountQuantity, 2**63 - 1), no_key),
    term("cost", comparisons(DollarQuantity, 2**63 - 1), no_key),
    term("duration", comparisons(DurationQuantity, 10**12), no_key),
    term("created", times, no_key),
    texts.map(FreeText),
)
trees: st.SearchStrategy[QueryNode] = st.recursive(
    terms,
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3).map(join_and)
        | st.lists(inner, min_size=1, max_size=3).map(join_or)
        | inner.map(negate)
    ),
    max_leaves=12,
)


@settings(deadline=None, max_examples=400)
@given(trees)
def test_every_tree_survives_round_trip(tree: QueryNode) -> None:
    if tree.depth <= MAX_QUERY_DEPTH:
        query = Query(tree)
        assert Query.parse(str(query)) == query
        assert query.describe()


fragments = st.sampled_from(
    [*(f"{field.name}:" for field in QUERY_FIELDS), "metadata.a:", "status", " ", '"', "(", ")", "-", ",", ":", "*",
     "..",
     ">", "<=", "OR", "AND", "NOT", "failed", "-7d", "30s", "1k", "2026-05-01", "\\", ".", "\n", "é", "\u2028", "\0"]
)  # fmt: skip


@settings(deadline=None, max_examples=1500)
@given(st.text() | st.lists(fragments | st.text(string.printable, max_size=3), max_size=20).map("".join))
@example('status:"\\')
@example("error:\\ error:a\\b model:\\")
@example("-" * 3000)
@example("created:0001-01-01T00:00:00+23:59")
@example("created:>-99999w")
@example("total_tokens:" + "9" * 3000)
def test_any_query_parses_or_is_rejected(text: str) -> None:
    state: RunFilters | None = None
    with contextlib.suppress(InvalidFilter):
        state = RunFilters.parse_params({"q": [text]})
    if state is not None:
        assert RunFilters.parse_params(parse_qs(state.to_query_string())) == state
        assert state.describe()


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("", ""),
        ("status:failed created:-7d -model:o3", "status=failed&from=-7d&q=-model%3Ao3"),
        ("status=failed&from=-7d", "status=failed&from=-7d"),
        ("?status=failed&q=refund", "status=failed&q=refund"),
        ("refund", "q=refund"),
    ],
)
def test_argument_is_query_or_query_string(text: str, query: str) -> None:
    assert RunFilters.parse_argument(text).to_query_string() == query


def test_all_filters_form_one_query() -> None:
    state = RunFilters.parse_argument(
        "status=failed&status=a b&model=o3&error=Quota is gone (429)&thread=t:1&from=-7d&to=2026-05-01&q=a OR b"
    )
    text = (
        'status:failed,"a b" model:o3 error_code:"Quota is gone (429)" thread:t:1 '
        "created:-7d created:<2026-05-01T00:00:00Z (a OR b)"
    )
    assert state.to_query_text() == text
    assert str(Query.parse(text)) == text
    assert RunFilters().to_query_text() == ""


def test_query_is_one_of_the_filters() -> None:
    state = RunFilters.parse_argument("status=failed&q=refund+-model:o3")
    assert state.active_names == ["status", "q"]
    assert state.to_params() == [("status", "failed"), ("q", "refund -model:o3")]
    assert state.without("q").to_query_string() == "status=failed"
    assert state.describe() == 'runs with status failed where "refund" is found and model is not o3'


CORRECTIONS = [
    ("stauts:failed", "stauts", "status:failed"),
    ("model:o3 stauts:failed", "stauts", "model:o3 status:failed"),
    ("-status:faild", "faild", "-status:failed"),
    ("source:response", "response", "source:responses"),
    ("model:o3 or model:o4", "or", "model:o3 OR model:o4"),
    ("status.customer:acme", ".customer", ""),
    ("total_tokens:>1,000", ">1,000", "total_tokens:>1000"),
    ('model:o3 "no answer', '"no answer', 'model:o3 "no answer"'),
    ("(model:o3 status:failed", "(model:o3 status:failed", "(model:o3 status:failed)"),
    ("status:failed, expired", ", expired", "status:failed,expired"),
    ('status:failed"no"', '"no"', 'status:failed "no"'),
    ("model:o3)", ")", "model:o3"),
    ("customer:acme", "customer", ""),
    ("duration:long", "long", ""),
    ("total_tokens:", "", ""),
    ("model:o3 OR", "OR", ""),
]


@pytest.mark.parametrize(("text", "marked", "corrected"), CORRECTIONS)
def test_mistake_is_located_and_corrected(text: str, marked: str, corrected: str) -> None:
    mistake = find_query_mistake(text)
    assert mistake is not None
    assert (text[mistake.start : mistake.end], mistake.correct(text)) == (marked, corrected)


@pytest.mark.parametrize("text", ["", " ", "status:failed", "a OR b"])
def test_valid_query_has_no_mistake(text: str) -> None:
    assert find_query_mistake(text) is None
