"""The token with which Prometheus reads `/metrics`: RUNGLASS_METRICS_TOKEN."""

from __future__ import annotations

from environs import ValidationError

MIN_TOKEN_LENGTH = 16


def validate_metrics_token(token: str) -> None:
    """Raise ValidationError if a token is easy to guess, or can't be sent in a header."""
    if token and (len(token) < MIN_TOKEN_LENGTH or not token.isascii() or not token.isprintable() or " " in token):
        raise ValidationError(
            f"expected at least {MIN_TOKEN_LENGTH} random characters of ASCII without spaces, such as the output of "
            "`openssl rand -hex 32`"
        )
