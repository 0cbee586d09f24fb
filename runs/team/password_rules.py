"""Rules for new passwords, applied to what people see: without white space around it, in one Unicode form."""

from __future__ import annotations

import unicodedata
from typing import Any

from django.contrib.auth import password_validation
from django.core.exceptions import ValidationError

MAX_PASSWORD_LENGTH = 1024  # characters: hashing takes time for each


class PasswordLengthValidator:
    """Requires a number of characters."""

    def __init__(self, min_length: int) -> None:
        """Set the least number of characters."""
        self.min_length = min_length

    def validate(self, password: str, user: Any = None) -> None:  # noqa: ARG002 - the signature is Django's
        """Raise ValidationError if `password` is too short or too long."""
        length = min(len(password.strip()), len(_normalize(password)))  # some characters are normalized to many
        if length < self.min_length:
            raise ValidationError(
                f"The password has {length} characters, without white space around it. It needs {self.min_length}."
            )
        if len(password) > MAX_PASSWORD_LENGTH:
            raise ValidationError(
                f"The password has {len(password):,} characters. At most {MAX_PASSWORD_LENGTH:,} are possible."
            )

    def get_help_text(self) -> str:
        """Return the rule as a sentence."""
        return f"The password needs {self.min_length} to {MAX_PASSWORD_LENGTH:,} characters."


class CommonPasswordVariantValidator(password_validation.CommonPasswordValidator):
    """Rejects common passwords, also in other case, with white space, or with digits and punctuation around them."""

    def validate(self, password: str, user: Any = None) -> None:  # noqa: ARG002 - the signature is Django's
        """Raise ValidationError if `password` is a variant of a common one."""
        compact = "".join(_normalize(password).casefold().split())
        word = _strip_non_letters(compact)
        is_mostly_word = 2 * len(word) >= len(compact)
        if compact in self.passwords or (is_mostly_word and word in self.passwords):
            raise ValidationError(self.get_error_message(), code="password_too_common")


def _normalize(password: str) -> str:
    return unicodedata.normalize("NFKC", password).strip()


def _strip_non_letters(text: str) -> str:
    """Return `text` without digits and punctuation at both ends."""
    letters = [index for index, character in enumerate(text) if character.isalpha()]
    return text[letters[0] : letters[-1] + 1] if letters else ""
