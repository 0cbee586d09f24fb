"""The command `manage.py link_user`."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.core.management.base import CommandError

from runs.management.arguments import resolve_user
from runs.management.data_command import DataCommand
from runs.models import AuditEvent

_MAX_SUBJECT_LENGTH = 191


class Command(DataCommand):
    """Link a user to a subject of the OpenID provider, who signs in as this user from then on."""

    help = "Let a subject of the OpenID provider sign in as an existing user. The audit log names subjects."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Define the arguments of the command."""
        parser.add_argument("name", help="user name")
        parser.add_argument("subject", help="the claim `sub` of the person at RUNGLASS_OIDC_ISSUER")

    def handle(self, *, name: str, subject: str, **_: Any) -> None:
        """Link them. A user that the subject signed in as before is kept."""
        if settings.OIDC_CLIENT is None:
            raise CommandError("RUNGLASS_OIDC_ISSUER is not set: expected the issuer that the subject belongs to")
        if not 0 < len(subject) <= _MAX_SUBJECT_LENGTH or not subject.isprintable():
            raise CommandError(f"Invalid subject: expected 1 to {_MAX_SUBJECT_LENGTH} printable characters")
        user, issuer = resolve_user(name), settings.OIDC_CLIENT.issuer
        SocialAccount.objects.update_or_create(provider=issuer, uid=subject, defaults={"user": user})
        AuditEvent.objects.record(None, user, f"was linked to subject {subject} of {issuer} on the command line")
        self.stdout.write(f"Subject {subject} of {issuer} signs in as {user.get_username()}")
