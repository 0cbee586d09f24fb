"""The query language: from text to tree. `status:failed -model:gpt-4o (metadata.customer:acme OR "no answer")`.

Errors name the column, counted from 1, and where it helps the near word.
"""

from __future__ import annotations

import re
from typing import NoReturn

from lark import Lark, Token
from lark.exceptions import UnexpectedInput, UnexpectedToken, VisitError
from lark.visitors import Transformer_NonRecursive

from runs.errors import InvalidFilter, Problem
from runs.protocol.lossless_json import clean_text
from runs.query import ast
from runs.query.ast import FreeText, QueryNode, Term
from runs.query.did_you_mean import find_closest_match
from runs.query.fields import FIELDS_BY_NAME, QueryField
from runs.query.operators import Operator, unquote_value
from runs.query.syntax_errors import locate_syntax_error
from runs.query.value_types import DollarsType, NumberType

QUERY_PARAM = "q"
MAX_QUERY_LENGTH = 4000
MAX_QUERY_VALUES = 100
MAX_QUERY_DEPTH = 20

# What touches belongs together: lookarounds let a value follow its field, and a comma its value, without a space.
# KEY is anything before a colon, so that a word with a colon is an unknown field and not a text.
_GRAMMAR = r"""
    ?start: either
    either: both (_OR both)*
    both: unary (_AND? unary)*
    ?unary: _NOT unary -> negation
          | _MINUS unary -> negation
          | _OPEN either _CLOSE
          | KEY value (_COMMA value)* -> term
          | (WORD | QUOTED) -> words
    ?value: VALUE | QUOTED

    _OR.2: /OR(?=[\s()]|$)/
    _AND.2: /AND(?=[\s()]|$)/
    _NOT.2: /NOT(?=[\s()]|$)/
    _MINUS.2: /-(?=[^\s)])/
    _OPEN: "("
    _CLOSE: ")"
    _COMMA: /(?<=[^\s]),(?=[^\s,)])/
    KEY: /(?!-)[^\s"():,]+(?:"(?:[^"\\]|\\[\s\S])+")?:(?=[^\s),])/
    WORD: /(?!-)(?!(?:OR|AND|NOT)(?=[\s()]|$))[^\s"():,]+(?=[\s)]|$)/
    VALUE: /[^\s"(),]+(?=[\s),]|$)/
    QUOTED: /"(?:[^"\\]|\\[\s\S])+"(?=[\s),]|$)/

    %ignore /\s+/
"""
_PARSER = Lark(_GRAMMAR, parser="lalr", lexer="contextual")
_THOUSANDS = re.compile(r"[<>=]*\$?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?")
_KEY = re.compile(r'([^."]+)(?:\.(?:"([\s\S]+)"|([^"]+)))?:')


def parse_query(text: str) -> QueryNode:
    """Read a query. Raises InvalidFilter with one problem, whose path is `q`."""
    if len(text) > MAX_QUERY_LENGTH:
        _raise_syntax_error(
            MAX_QUERY_LENGTH, f"a query has {MAX_QUERY_LENGTH:,} characters at the most, this has {len(text):,}"
        )
    if clean_text(text) != text:
        column = next(index for index, each in enumerate(text) if clean_text(each) != each)
        _raise_syntax_error(column, "must not contain NUL or lone surrogates")
    if not text.strip():
        _raise_syntax_error(0, "expected a query, such as status:failed")
    try:
        return _TreeBuilder().transform(_PARSER.parse(text))
    except UnexpectedInput as error:
        _raise_syntax_error(*locate_syntax_error(text, _stopped(error, text)))
    except VisitError as error:
        raise error.orig_exc from None


def _raise_syntax_error(place: int, message: str) -> NoReturn:
    message = f"column {place + 1}: {message}"
    raise InvalidFilter(f"{QUERY_PARAM}: {message}", [Problem(QUERY_PARAM, message)])


class _TreeBuilder(Transformer_NonRecursive[Token, QueryNode]):
    """Makes our tree of the parser's. Not by recursion, so that no nesting outgrows the stack before it is refused."""

    def __init__(self) -> None:
        super().__init__()
        self._terms = 0
        self._place = 0

    def either(self, parts: list[QueryNode]) -> QueryNode:
        return self._bounded(ast.join_or(parts))

    def both(self, parts: list[QueryNode]) -> QueryNode:
        return self._bounded(ast.join_and(parts))

    def negation(self, parts: list[QueryNode]) -> QueryNode:
        return self._bounded(ast.negate(parts[0]))

    def words(self, tokens: list[Token]) -> QueryNode:
        token = tokens[0]
        self._count(token)
        if token.type == "QUOTED":
            return FreeText(unquote_value(token))
        if "*" in token:
            _raise_syntax_error(
                _place(token) + token.index("*"), "'*' needs a field, such as id:run_ab*; or quote the text"
            )
        if token.upper() in ast.KEYWORDS:
            _raise_syntax_error(_place(token), f"write {token.upper()} in capitals, or quote the word")
        return FreeText(str(token))

    def term(self, tokens: list[Token]) -> QueryNode:
        key, *values = tokens
        field, inner = _field(key)
        _refuse_thousands(field, values)
        matches = []
        for value in values:
            self._count(value)
            matches.append(_match(field, value))
        return Term(field.name, tuple(dict.fromkeys(matches)), inner)

    def _count(self, token: Token) -> None:
        self._terms += 1
        self._place = _place(token)
        if self._terms > MAX_QUERY_VALUES:
            _raise_syntax_error(self._place, f"a query asks for {MAX_QUERY_VALUES} values at the most")

    def _bounded(self, node: QueryNode) -> QueryNode:
        if node.depth > MAX_QUERY_DEPTH:
            _raise_syntax_error(self._place, f"nested more than {MAX_QUERY_DEPTH} deep")
        return node


def _field(token: Token) -> tuple[QueryField, str | None]:
    """The field that is named before the colon, and its key."""
    found = _KEY.fullmatch(token)
    name = found[1] if found else str(token[:-1])
    field = FIELDS_BY_NAME.get(name)
    if field is None:
        _raise_syntax_error(_place(token), _unknown(name))
    assert found is not None  # noqa: S101 - a known name was found
    key = found[3] if found[2] is None else unquote_value(f'"{found[2]}"')
    if field.keyed and key is None:
        _raise_syntax_error(_place(token), f"'{name}' needs a key, such as {field.examples[0]}")
    if not field.keyed and key is not None:
        _raise_syntax_error(_place(token) + len(name), f"'{name}' has no keys; did you mean 'metadata.{key}'?")
    if found[3] and "*" in found[3]:
        _raise_syntax_error(_place(token) + token.index("*"), "a key is no pattern; quote it if '*' is part of it")
    return field, key


def _refuse_thousands(field: QueryField, values: list[Token]) -> None:
    """Refuse `>1,000`, which would be two values, neither of them meant."""
    text = ",".join(values)
    if (
        isinstance(field.kind, NumberType | DollarsType)
        and _THOUSANDS.fullmatch(text)
        and (text[0] in "<>=" or ",0" in text)
    ):
        _raise_syntax_error(
            _place(values[0]), f"a comma stands between values; did you mean '{text.replace(',', '')}'?"
        )


def _unknown(name: str) -> str:
    if near := find_closest_match(name.lower(), FIELDS_BY_NAME):
        return f"unknown field '{name}'; did you mean '{near}'?"
    return f"unknown field '{name}'; a key of the metadata is written metadata.{name}, a text with a colon quoted"


def _match(field: QueryField, token: Token) -> Operator:
    is_quoted = token.type == "QUOTED"
    try:
        return field.kind.read(unquote_value(token) if is_quoted else str(token), quoted=is_quoted)
    except ValueError as error:
        _raise_syntax_error(_place(token), str(error))


def _stopped(error: UnexpectedInput, text: str) -> int:
    """Where the parser stopped; the end of the text has no place of its own."""
    if isinstance(error, UnexpectedToken) and error.token.type == "$END":
        return len(text)
    return len(text) if error.pos_in_stream is None else error.pos_in_stream


def _place(token: Token) -> int:
    return token.start_pos or 0
