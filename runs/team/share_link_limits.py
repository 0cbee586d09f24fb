"""A limit on wrong tokens of share links for each address, checked before a token is looked up.

It slows down but never locks, as the limits on attempts to sign in (see `runs.team.sign_in_limits`).
"""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from runs.models import SignInBudget
from runs.models.sign_in_budget import AttemptBudget

_BURST = 20
_INTERVAL = timedelta(seconds=3)
_MAX_ADDRESS_LENGTH = 45


def get_share_link_wait(address: str) -> timedelta:
    """Return how long `address` has to wait until another token is looked up; zero if it need not."""
    budget = _build_budget(address)
    return SignInBudget.objects.fetch_waits([budget], timezone.now()).get(budget.key, timedelta())


def charge_wrong_token(address: str) -> None:
    """Count a wrong token from `address`, and delete what earlier ones have left behind."""
    now = timezone.now()
    with transaction.atomic():
        SignInBudget.objects.spend([_build_budget(address)], now)
    SignInBudget.objects.delete_expired(now)


def _build_budget(address: str) -> AttemptBudget:
    key = f"share link {address[:_MAX_ADDRESS_LENGTH]}"
    return AttemptBudget(key, "", "from your address", _BURST, _INTERVAL)
