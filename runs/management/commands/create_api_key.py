"""The command `manage.py create_api_key`."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from datetime import timedelta
from typing import Any

from django.core.management import CommandError

from runs.errors import InvalidFilter, InvalidKeyScopes
from runs.management.arguments import add_project_argument, resolve_project
from runs.management.data_command import DataCommand
from runs.models import ApiKey
from runs.query import RunFilters
from runs.team.api_keys import DEFAULT_SCOPES, create_api_key

MAX_LIFETIME_DAYS = 3650


class Command(DataCommand):
    """Create an API key and print nothing but the key."""

    help = "Create an API key and print it. The key cannot be shown again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Define the arguments of the command."""
        add_project_argument(parser)
        parser.add_argument("--name", required=True, type=_parse_name, help="name under which users see the key")
        parser.add_argument(
            "--scope",
            type=_parse_scopes,
            default=list(DEFAULT_SCOPES),
            metavar="SCOPE[,SCOPE…]",
            help=f"{', '.join(ApiKey.Scope.values)} (default: {','.join(DEFAULT_SCOPES)})",
        )

        parser.add_argument(
            "--expires-in-days", type=_parse_days, metavar="DAYS", help="days until the key expires (default: never)"
        )

        parser.add_argument(
            "--query", type=_parse_query, default="", help="the key reads only runs that match; needs --scope read"
        )

    def handle(
        self,
        *,
        project: str,
        name: str,
        scope: list[str],
        expires_in_days: timedelta | None,
        query: str,
        **_: Any,
    ) -> None:
        """Create the key."""
        try:
            self.stdout.write(create_api_key(resolve_project(project), name, scope, expires_in_days, query=query))
        except InvalidKeyScopes as error:
            raise CommandError(error.message) from error


def _parse_name(value: str) -> str:
    max_length = ApiKey._meta.get_field("name").max_length or 0
    if not value.strip() or len(value) > max_length:
        raise ArgumentTypeError(f"expected 1 to {max_length} characters")
    if not value.isprintable():
        raise ArgumentTypeError("contains characters that cannot be printed")
    return value


def _parse_query(value: str) -> str:
    try:
        RunFilters.parse_query_text(value)
    except InvalidFilter as error:
        raise ArgumentTypeError(error.message) from error
    return value


def _parse_days(value: str) -> timedelta:
    if not value.isascii() or not value.isdecimal() or not 1 <= int(value[:9]) <= MAX_LIFETIME_DAYS:
        raise ArgumentTypeError(f"expected 1 to {MAX_LIFETIME_DAYS} days")
    return timedelta(days=int(value[:9]))


def _parse_scopes(value: str) -> list[str]:
    scopes = list(dict.fromkeys(value.split(",")))
    if unknown := [scope for scope in scopes if scope not in ApiKey.Scope.values]:
        raise ArgumentTypeError(f"unknown scope '{unknown[0]}', expected {' or '.join(ApiKey.Scope.values)}")
    return scopes
