"""New passwords are neither common nor short, whatever is typed around them."""

from __future__ import annotations

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from runs.team.password_rules import MAX_PASSWORD_LENGTH

FULL_WIDTH = "".join(chr(ord(character) + 0xFEE0) for character in "password12345")


@pytest.mark.parametrize(
    ("password", "message"),
    [
        ("  password12345 ", "too common"),
        ("PassWord 12345", "too common"),
        (FULL_WIDTH, "too common"),
        ("p a s s w o r d 1 2 3 4 5", "too common"),
        ("!!sunshine2026!!", "too common"),
        ("          ", "has 0 characters"),
        ("\u2003" * 20, "has 0 characters"),
        ("   short1   ", "has 6 characters"),
        ("e\u0301" * 9, "has 9 characters"),
        ("ﷺ", "has 1 characters"),
        ("x" * (MAX_PASSWORD_LENGTH + 1), "At most 1,024"),
    ],
)
def test_weak_password_is_rejected(password: str, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        validate_password(password)


@pytest.mark.parametrize(
    "password", ["correct horse battery staple", "a much better one", "1739-4826-0957-3310", "zwölf Boxkämpfer jagen"]
)
def test_good_password_is_accepted(password: str) -> None:
    validate_password(password)
