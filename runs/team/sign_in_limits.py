"""Limits on attempts to sign in, checked before a password is hashed, for existing and unknown user names alike.

An attempt is charged before the password is checked, so that many at once can't exceed a limit, and taken back if the
password is right. A refused attempt writes nothing.

The limits must not be a weapon against the right user. They slow down but never lock. A browser in which the user has
signed in before sends a signed device cookie and has a budget of its own, which no stranger can spend (OWASP: "Slow
Down Online Guessing Attacks with Device Cookies"). An address from which somebody has signed in lately is not limited
as a whole: behind a proxy, it may be the address of everybody.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from runs.errors import TooManySignInAttempts
from runs.models import AuditEvent, SignInBudget
from runs.models.sign_in_budget import AttemptBudget

# For guesses at one password: 10, then 2 a minute for each address or device; 100, then 2 a minute in all.
_PASSWORD_INTERVAL = timedelta(seconds=30)
_ADDRESS_BURST = 10
_NAME_BURST = 100
# For guesses at any password, each of which costs up to half a second of computing time.
_SPRAY_BURST = 15
_SPRAY_INTERVAL = timedelta(seconds=2)
_TOTAL_BURST = 25
_TOTAL_INTERVAL = timedelta(seconds=1)
# An address from which somebody has signed in during this time is not limited as a whole.
_KNOWN_ADDRESS_PERIOD = timedelta(days=14)
_MAX_ADDRESS_LENGTH = 45


@dataclass(frozen=True, slots=True)
class SignInAttempt:
    """An attempt that is allowed and charged.

    Attributes:
        left: how many more attempts are allowed at once from this address or device.
    """

    budgets: tuple[AttemptBudget, ...]
    left: int

    def succeed(self) -> None:
        """Take the charge back, and forget earlier failures at this user name."""
        for budget in self.budgets:
            if not budget.user_name:
                SignInBudget.objects.refund(budget)
        keys = [budget.key for budget in self.budgets if budget.user_name]
        SignInBudget.objects.filter(pk__in=keys).delete()

    def fail(self) -> None:
        """Keep the charge, and delete what earlier attempts have left behind."""
        SignInBudget.objects.delete_expired(timezone.now())


def reserve_attempt(user_name: str, address: str, device_id: str | None) -> SignInAttempt:
    """Charge an attempt to sign in as `user_name` from `address`.

    Args:
        user_name: the user name that was typed, of at most 150 characters.
        address: the address of the client.
        device_id: the id in the device cookie that the browser got when this user signed in; None without one.

    Raises:
        TooManySignInAttempts: the attempt is not allowed now.
    """
    now, address = timezone.now(), address[:_MAX_ADDRESS_LENGTH]
    budgets = _choose_budgets(user_name, address, device_id)
    waits = SignInBudget.objects.fetch_waits(budgets, now)
    for budget in list(budgets):
        if wait := waits.get(budget.key):
            if budget.key != _address_key(address) or not _is_known_address(address):
                raise TooManySignInAttempts(budget.scope, wait)
            budgets.remove(budget)
    return SignInAttempt(tuple(budgets), _spend(budgets, now))


def forget_attempts(user_name: str) -> int:
    """Allow attempts to sign in as `user_name` again at once. Return how many limits were partly or wholly spent."""
    deleted, _ = (SignInBudget.objects.of_user(user_name) | SignInBudget.objects.shared()).delete()
    return deleted


def _choose_budgets(user_name: str, address: str, device_id: str | None) -> list[AttemptBudget]:
    """Return the budgets that an attempt is charged to, the narrowest first."""
    if device_id is not None:
        scope = "for this user name from this browser"
        return [AttemptBudget(f"device {device_id}", user_name, scope, _ADDRESS_BURST, _PASSWORD_INTERVAL)]
    scope = "for this user name from your address"
    key = f"name and address {address} {user_name}"
    return [
        AttemptBudget(key, user_name, scope, _ADDRESS_BURST, _PASSWORD_INTERVAL),
        AttemptBudget(f"name {user_name}", user_name, "for this user name", _NAME_BURST, _PASSWORD_INTERVAL),
        AttemptBudget(_address_key(address), "", "from your address", _SPRAY_BURST, _SPRAY_INTERVAL),
        AttemptBudget("total", "", "on this server", _TOTAL_BURST, _TOTAL_INTERVAL),
    ]


def _address_key(address: str) -> str:
    return f"address {address}"


def _is_known_address(address: str) -> bool:
    return AuditEvent.objects.has_sign_in_from(address, _KNOWN_ADDRESS_PERIOD)


def _spend(budgets: list[AttemptBudget], now: datetime) -> int:
    """Charge `budgets`, all or none, and return how many attempts are left of the first one."""
    with transaction.atomic():
        full_at = SignInBudget.objects.spend(budgets, now)
        if full_at is None:  # exhausted by attempts at the same time
            raise TooManySignInAttempts(budgets[0].scope, budgets[0].interval)
    return budgets[0].count_left(full_at[0], now)
