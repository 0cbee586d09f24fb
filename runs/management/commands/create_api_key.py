"""`manage.py create_api_key`: a new API key, alone on one line of stdout."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand

from runs.management.arguments import add_project_argument, resolve_project
from runs.models import ApiKey
from runs.team.api_keys import create_api_key


class Command(BaseCommand):
    help = "Make an API key and print it. It can't be shown again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_project_argument(parser)
        parser.add_argument("--name", required=True, type=_name, help="what people will know the key by")
        parser.add_argument(
            "--scope", type=_scopes, default=ApiKey.Scope.values, metavar="ingest|read|ingest,read",
            help="what the key may do (default: both)",
        )  # fmt: skip

    def handle(self, *, project: str, name: str, scope: list[str], **_: Any) -> None:
        self.stdout.write(create_api_key(resolve_project(project), name, scope))


def _name(text: str) -> str:
    longest = ApiKey._meta.get_field("name").max_length or 0
    if not text.strip() or len(text) > longest:
        raise ArgumentTypeError(f"expected 1 to {longest} characters")
    return text


def _scopes(text: str) -> list[str]:
    scopes = list(dict.fromkeys(text.split(",")))
    if unknown := [scope for scope in scopes if scope not in ApiKey.Scope.values]:
        raise ArgumentTypeError(f"unknown scope '{unknown[0]}', known are {', '.join(ApiKey.Scope.values)}")
    return scopes
