"""Why a query can't be read: from the place where the parser stopped to what a person should change."""

from __future__ import annotations

import re

_QUOTED = re.compile(r'"(?:[^"\\]|\\[\s\S])*"')
_KEY = re.compile(r'[^\s"():,]+(?:"(?:[^"\\]|\\[\s\S])*")?:')
_PLAIN = re.compile(r'[^\s"():,]+')
_KEYWORD = re.compile(r"(?:OR|AND|NOT)(?=[\s()]|$)")
_COMMA = "a comma stands between two values of a field, without spaces, as in status:failed,expired"
_LAST_KEYWORD = re.compile(r"(?:^|[\s()])(OR|AND|NOT)\s*$")


def locate_syntax_error(text: str, place: int) -> tuple[int, str]:
    """Where exactly the fault is (counted from 0), and what to say of it; `place` is where reading stopped."""
    place += len(text[place:]) - len(text[place:].lstrip())
    rest = text[place:]
    if not rest:
        return _at_end(text)
    if rest[0] == '"':
        return _at_quote(text, place)
    if keyword := _KEYWORD.match(rest):
        return place, f"expected something to search for before '{keyword[0]}'"
    if rest[0] in "),":
        return _at_mark(text, place)
    return _at_word(text, place)


def _at_end(text: str) -> tuple[int, str]:
    if keyword := _LAST_KEYWORD.search(text):
        return keyword.start(1), f"expected something to search for after '{keyword[1]}'"
    opened = _find_unclosed_parentheses(text)
    if opened:
        return opened[-1], "this '(' is never closed"
    return len(text), "the query ends too early"


def _at_quote(text: str, place: int) -> tuple[int, str]:
    found = _QUOTED.match(text, place)
    if found is None:
        return place, "this quote is never closed"
    if found[0] == '""':
        return place, "expected text between the quotes"
    if text[place - 1 : place].strip("(-"):
        return place, "expected a space before the quote"
    return found.end(), "expected a space after the quote"


def _at_mark(text: str, place: int) -> tuple[int, str]:
    before = text[:place].rstrip()
    if text[place] == ",":
        return place, _COMMA
    if not _find_unclosed_parentheses(text[:place]):
        return place, "there is no '(' for this ')'"
    if keyword := _LAST_KEYWORD.search(before):
        return keyword.start(1), f"expected something to search for after '{keyword[1]}'"
    return place, "expected something to search for before ')'"


def _at_word(text: str, place: int) -> tuple[int, str]:
    if text[place] == ":":
        return place, "expected a field before ':'"
    if text[place] == "-":
        return place, "expected something right after '-'"
    if key := _KEY.match(text, place):
        return key.end(), f"expected a value right after '{key[0]}'"
    word = _PLAIN.match(text, place)
    end = word.end() if word else place
    match text[end : end + 1]:
        case '"':
            is_closed = _QUOTED.match(text, end)
            return end, "expected a space before the quote" if is_closed else "this quote is never closed"
        case "(":
            return end, "expected a space before '('; quote a text that has parentheses"
        case ",":
            return end, _COMMA
    return place, f"can't be read: '{text[place : place + 20]}'"


def _find_unclosed_parentheses(text: str) -> list[int]:
    """Where the parentheses stand that are not closed."""
    opened: list[int] = []
    for index, mark in enumerate(_QUOTED.sub(lambda found: "." * len(found[0]), text)):
        if mark == "(":
            opened.append(index)
        elif mark == ")" and opened:
            opened.pop()
    return opened
