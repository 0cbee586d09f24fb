r"""The grammar of the query language: `status:failed -model:gpt-4o (metadata.customer:acme OR "no answer")`.

Errors name the column, counted from 1, and suggest similar words for unknown ones.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NoReturn

from lark import Lark, Token
from lark.exceptions import UnexpectedInput, UnexpectedToken, VisitError
from lark.visitors import Transformer_NonRecursive

from runs.errors import InvalidFilter, Problem
from runs.protocol.lossless_json import clean_text
from runs.query.ast import KEYWORDS, And, FreeText, Not, Or, QueryNode, Term, iterate_leaves, join_and, join_or, negate
from runs.query.did_you_mean import find_closest_match
from runs.query.fields import FIELDS_BY_NAME, QueryField
from runs.query.operators import Equals, Operator, format_value, quote_value, unquote_value
from runs.query.syntax_errors import locate_syntax_error
from runs.query.value_types import DollarsType, NumberType, UnknownValueError, check_search_text

QUERY_PARAM = "q"
MAX_QUERY_LENGTH = 4000
MAX_QUERY_VALUES = 100
MAX_QUERY_DEPTH = 20

# Lookarounds tie together what must not be separated by spaces: a field and its value, a value and its comma.
# KEY matches anything before a colon, so that a word with a colon is an unknown field and not a text.
_GRAMMAR = r"""
    ?start: or_group
    or_group: and_group (_OR and_group)*
    and_group: unary (_AND? unary)*
    ?unary: _NOT unary -> negation
          | _MINUS unary -> negation
          | _OPEN or_group _CLOSE
          | KEY value (_COMMA value)* -> term
          | (WORD | QUOTED) -> free_text
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
_WORD = re.compile(r"\S*")
_KEY = re.compile(r'([^."]+)(?:\.(?:"([\s\S]+)"|([^"]+)))?:')


@dataclass(frozen=True, slots=True)
class QueryMistake:
    """An invalid part of a query, from `start` up to `end`; `replacement` is what was probably meant, if known."""

    start: int
    end: int
    message: str
    replacement: str | None = None

    @property
    def problem_message(self) -> str:
        """The message with the column, counted from 1."""
        return f"column {self.start + 1}: {self.message}"

    def correct(self, text: str) -> str:
        """Return the query `text` with the replacement; "" without one."""
        return "" if self.replacement is None else text[: self.start] + self.replacement + text[self.end :]


class InvalidQuery(InvalidFilter):
    """The query is invalid."""

    def __init__(self, mistake: QueryMistake) -> None:
        """Set the message, which names the column, and the one problem."""
        message = mistake.problem_message
        super().__init__(f"{QUERY_PARAM}: {message}", [Problem(QUERY_PARAM, message)])
        self.mistake = mistake


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed query. `str()` is its canonical form: equal queries have equal text."""

    tree: QueryNode

    @classmethod
    def parse(cls, text: str) -> Query:
        """Parse a query.

        Raises:
            InvalidFilter: The query is invalid; the problem names the column.
        """
        return cls(parse_query(text))

    def describe(self) -> str:
        """Return the query in words: `status is failed and model is not gpt-4o`."""
        return _describe(self.tree)

    def __str__(self) -> str:
        return str(self.tree)


def parse_query(text: str) -> QueryNode:
    """Parse a query into its syntax tree.

    Raises:
        InvalidFilter: The query is invalid. It has one problem, with the path `q`.
    """
    if len(text) > MAX_QUERY_LENGTH:
        _raise_syntax_error(MAX_QUERY_LENGTH, f"expected at most {MAX_QUERY_LENGTH:,} characters, found {len(text):,}")
    if clean_text(text) != text:
        position = next(index for index, character in enumerate(text) if clean_text(character) != character)
        _raise_syntax_error(position, "must not contain NUL or lone surrogates")
    if not text.strip():
        _raise_syntax_error(0, "expected a query such as status:failed")
    try:
        return _build_tree(text)
    except UnexpectedInput as error:
        position, message = locate_syntax_error(text, _get_stop_position(error, text))
        correction = _find_correction(text, position)
        found = _WORD.findall(text, position)[0] if correction is None else text[position:]
        _raise_syntax_error(position, message, found, correction)


def _build_tree(text: str) -> QueryNode:
    """Parse a query. Raises InvalidQuery, or UnexpectedInput for a syntax error."""
    try:
        return _TreeBuilder().transform(_PARSER.parse(text))
    except VisitError as error:
        raise error.orig_exc from None


def _find_correction(text: str, position: int) -> str | None:
    """Return what a small change at a syntax error makes of the text from there on, None if none makes it valid."""
    before, rest = text[:position], text[position:]
    changes = (f'{rest}"', f"{rest})", f" {rest}", rest[:1] + rest[1:].lstrip(), rest.removeprefix(")"))
    return next((changed for changed in changes if changed != rest and _is_valid(before + changed)), None)


def _is_valid(text: str) -> bool:
    try:
        _build_tree(text)
    except (UnexpectedInput, InvalidQuery):
        return False
    return True


def find_query_mistake(text: str) -> QueryMistake | None:
    """Return the first mistake in the text of a query, None if it is valid or blank."""
    try:
        if text.strip():
            parse_query(text)
    except InvalidQuery as error:
        return error.mistake
    return None


def find_size_problem(tree: QueryNode) -> str | None:
    """Return why the text of a syntax tree could not be parsed again because of its size, or None."""
    if (length := len(str(tree))) > MAX_QUERY_LENGTH:
        return f"expected at most {MAX_QUERY_LENGTH:,} characters, found {length:,}"
    if sum(len(leaf.operators) if isinstance(leaf, Term) else 1 for leaf in iterate_leaves(tree)) > MAX_QUERY_VALUES:
        return f"expected at most {MAX_QUERY_VALUES} values"
    return f"expected at most {MAX_QUERY_DEPTH} levels of nesting" if tree.depth > MAX_QUERY_DEPTH else None


def _raise_syntax_error(position: int, message: str, found: str = "", expected: str | None = None) -> NoReturn:
    """Raise InvalidQuery; `found` is the invalid text at `position`, and `expected` what was probably meant."""
    raise InvalidQuery(QueryMistake(position, position + len(found), message, expected))


class _TreeBuilder(Transformer_NonRecursive[Token, QueryNode]):
    """Builds the syntax tree from lark's tree.

    It is not recursive, because nesting is limited only here, after parsing.
    """

    def __init__(self) -> None:
        super().__init__()
        self._value_count = 0
        self._position = 0

    def or_group(self, operands: list[QueryNode]) -> QueryNode:
        return self._check_depth(join_or(operands))

    def and_group(self, operands: list[QueryNode]) -> QueryNode:
        return self._check_depth(join_and(operands))

    def negation(self, operands: list[QueryNode]) -> QueryNode:
        return self._check_depth(negate(operands[0]))

    def free_text(self, tokens: list[Token]) -> QueryNode:
        token = tokens[0]
        self._count_value(token)
        try:
            check_search_text(token)
        except ValueError as error:
            _raise_syntax_error(_position(token), str(error))
        if token.type == "QUOTED":
            return FreeText(unquote_value(token))
        if "*" in token:
            message = "'*' is allowed only in the value of a field such as id:run_ab*; quote the text to search for it"
            _raise_syntax_error(_position(token) + token.index("*"), message)
        if token.upper() in KEYWORDS:
            message = f"write {token.upper()} in capitals, or quote the word"
            _raise_syntax_error(_position(token), message, token, token.upper())
        return FreeText(str(token))

    def term(self, tokens: list[Token]) -> QueryNode:
        name, *values = tokens
        field, key = _parse_field(name)
        _reject_thousands_separators(field, values)
        operators = []
        for value in values:
            self._count_value(value)
            operators.append(_parse_operator(field, value))
        return Term(field.name, tuple(dict.fromkeys(operators)), key)

    def _count_value(self, token: Token) -> None:
        self._value_count += 1
        self._position = _position(token)
        if self._value_count > MAX_QUERY_VALUES:
            _raise_syntax_error(self._position, f"expected at most {MAX_QUERY_VALUES} values")

    def _check_depth(self, node: QueryNode) -> QueryNode:
        if node.depth > MAX_QUERY_DEPTH:
            _raise_syntax_error(self._position, f"expected at most {MAX_QUERY_DEPTH} levels of nesting")
        return node


def _parse_field(token: Token) -> tuple[QueryField, str | None]:
    """Return the field named before the colon, and its key."""
    parts = _KEY.fullmatch(token)
    name = parts[1] if parts else str(token[:-1])
    field = FIELDS_BY_NAME.get(name)
    if field is None or parts is None:
        closest = find_closest_match(name.lower(), FIELDS_BY_NAME)
        _raise_syntax_error(_position(token), _describe_unknown_field(name, closest), name, closest)
    _, quoted_key, bare_key = parts.groups()
    key = bare_key if quoted_key is None else unquote_value(f'"{quoted_key}"')
    if field.has_keys and key is None:
        _raise_syntax_error(_position(token), f"'{name}' needs a key, as in {field.examples[0]}")
    if not field.has_keys and key is not None:
        message = f"'{name}' does not have keys; did you mean 'metadata.{key}'?"
        _raise_syntax_error(_position(token) + len(name), message, token[len(name) : -1])
    if bare_key and "*" in bare_key:
        message = "'*' is not allowed in a key; quote the key if it contains '*'"
        _raise_syntax_error(_position(token) + token.index("*"), message)
    return field, key


def _describe_unknown_field(name: str, closest: str | None) -> str:
    if closest:
        return f"unknown field '{name}'; did you mean '{closest}'?"
    return f"unknown field '{name}'; write a metadata key as metadata.{name}, and quote text that contains a colon"


def _reject_thousands_separators(field: QueryField, values: list[Token]) -> None:
    """Reject `>1,000`, which would be two values."""
    text = ",".join(values)
    is_number = isinstance(field.value_type, NumberType | DollarsType)
    if is_number and _THOUSANDS.fullmatch(text) and (text[0] in "<>=" or ",0" in text):
        message = f"a comma separates two values; did you mean '{text.replace(',', '')}'?"
        _raise_syntax_error(_position(values[0]), message, text, text.replace(",", ""))


def _parse_operator(field: QueryField, token: Token) -> Operator:
    is_quoted = token.type == "QUOTED"
    try:
        return field.value_type.parse(unquote_value(token) if is_quoted else str(token), is_quoted=is_quoted)
    except UnknownValueError as error:
        _raise_syntax_error(_position(token), str(error), token, format_value(error.closest))
    except ValueError as error:
        _raise_syntax_error(_position(token), str(error), token)


def _get_stop_position(error: UnexpectedInput, text: str) -> int:
    """Return where the parser stopped; lark has no position for the end of the text."""
    if isinstance(error, UnexpectedToken) and error.token.type == "$END":
        return len(text)
    return len(text) if error.pos_in_stream is None else error.pos_in_stream


def _position(token: Token) -> int:
    return token.start_pos or 0


def _describe(node: QueryNode) -> str:
    match node:
        case Term():
            return _describe_term(node)
        case FreeText(text):
            return f"{quote_value(text)} is found"
        case Not(Term(operators=(operator,)) as term):
            return f"{_get_label(term)} {operator.describe(negated=True)}"
        case Not(FreeText(text)):
            return f"{quote_value(text)} is not found"
        case Not(operand):
            return f"not ({_describe(operand)})"
        case And(operands):
            return " and ".join(
                f"({_describe(operand)})" if isinstance(operand, Or) else _describe(operand) for operand in operands
            )
        case Or(operands):
            return " or ".join(_describe(operand) for operand in operands)


def _describe_term(term: Term) -> str:
    values = [operator.value for operator in term.operators if isinstance(operator, Equals)]
    if len(values) == len(term.operators):
        return f"{_get_label(term)} is {' or '.join(values)}"
    return f"{_get_label(term)} {' or '.join(operator.describe() for operator in term.operators)}"


def _get_label(term: Term) -> str:
    label = FIELDS_BY_NAME[term.field].label
    return label if term.key is None else f"{label} {term.key}"
