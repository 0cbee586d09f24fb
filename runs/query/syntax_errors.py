"""Messages for syntax errors: from the position where the parser stopped to what should be changed."""

from __future__ import annotations

import re

_QUOTED = re.compile(r'"(?:[^"\\]|\\[\s\S])*"')
_KEY = re.compile(r'[^\s"():,]+(?:"(?:[^"\\]|\\[\s\S])*")?:')
_BARE = re.compile(r'[^\s"():,]+')
_KEYWORD = re.compile(r"(?:OR|AND|NOT)(?=[\s()]|$)")
_LAST_KEYWORD = re.compile(r"(?:^|[\s()])(OR|AND|NOT)\s*$")
_COMMA_MESSAGE = "a comma separates two values of a field, without spaces, as in status:failed,expired"
_UNCLOSED_QUOTE_MESSAGE = "this quote is never closed"


def locate_syntax_error(text: str, position: int) -> tuple[int, str]:
    """Return the position of the error and a message for it.

    Args:
        text: The query.
        position: The index at which the parser stopped, counted from 0.
    """
    position += len(text[position:]) - len(text[position:].lstrip())
    rest = text[position:]
    if not rest:
        return _describe_end(text)
    if rest[0] == '"':
        return _describe_quote(text, position)
    if keyword := _KEYWORD.match(rest):
        return position, f"expected a search term before '{keyword[0]}'"
    if rest[0] in "),":
        return _describe_punctuation(text, position)
    return _describe_word(text, position)


def _describe_end(text: str) -> tuple[int, str]:
    if keyword := _LAST_KEYWORD.search(text):
        return keyword.start(1), f"expected a search term after '{keyword[1]}'"
    if unclosed := _find_unclosed_parentheses(text):
        return unclosed[-1], "this '(' is never closed"
    return len(text), "unexpected end of the query"


def _describe_quote(text: str, position: int) -> tuple[int, str]:
    quoted = _QUOTED.match(text, position)
    if quoted is None:
        return position, _UNCLOSED_QUOTE_MESSAGE
    if quoted[0] == '""':
        return position, "expected text between the quotes"
    if text[position - 1 : position].strip("(-"):
        return position, "expected a space before the quote"
    return quoted.end(), "expected a space after the quote"


def _describe_punctuation(text: str, position: int) -> tuple[int, str]:
    """Describe an unexpected ')' or ','."""
    if text[position] == ",":
        return position, _COMMA_MESSAGE
    if not _find_unclosed_parentheses(text[:position]):
        return position, "this ')' has no matching '('"
    if keyword := _LAST_KEYWORD.search(text[:position].rstrip()):
        return keyword.start(1), f"expected a search term after '{keyword[1]}'"
    return position, "expected a search term before ')'"


def _describe_word(text: str, position: int) -> tuple[int, str]:
    if text[position] == ":":
        return position, "expected a field before ':'"
    if text[position] == "-":
        return position, "expected a search term right after '-'"
    if key := _KEY.match(text, position):
        return key.end(), f"expected a value right after '{key[0]}'"
    word = _BARE.match(text, position)
    end = word.end() if word else position
    match text[end : end + 1]:
        case '"':
            return end, "expected a space before the quote" if _QUOTED.match(text, end) else _UNCLOSED_QUOTE_MESSAGE
        case "(":
            return end, "expected a space before '('; quote text that contains parentheses"
        case ",":
            return end, _COMMA_MESSAGE
    return position, f"unexpected text '{text[position : position + 20]}'"


def _find_unclosed_parentheses(text: str) -> list[int]:
    """Return the positions of unclosed parentheses outside of quotes."""
    unclosed: list[int] = []
    without_quotes = _QUOTED.sub(lambda quoted: "." * len(quoted[0]), text)
    for index, character in enumerate(without_quotes):
        if character == "(":
            unclosed.append(index)
        elif character == ")" and unclosed:
            unclosed.pop()
    return unclosed
