"""The attempts to sign in that count towards a limit: one row for each user name, address or device."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, Self

from django.db import connections, models

_MAX_EXPIRED_ROWS = 100  # that one statement deletes
# `full_at` moves on by one interval for each attempt. A row whose budget is exhausted is not updated.
_SPEND = """
    INSERT INTO sign_in_budget AS stored (key, user_name, full_at)
    VALUES (%(key)s, %(user_name)s, %(now)s + %(interval)s)
    ON CONFLICT (key) DO UPDATE SET full_at = greatest(stored.full_at, %(now)s) + %(interval)s
     WHERE greatest(stored.full_at, %(now)s) + %(interval)s <= %(now)s + %(whole)s
    RETURNING full_at"""
# Locked rows are skipped, so that this never waits for an attempt, nor an attempt for this.
_DELETE_EXPIRED = """
    DELETE FROM sign_in_budget WHERE key IN (
        SELECT key FROM sign_in_budget WHERE full_at < %s ORDER BY full_at LIMIT %s FOR UPDATE SKIP LOCKED)"""


@dataclass(frozen=True, slots=True)
class AttemptBudget:
    """A budget of attempts: `burst` at once, then one for each `interval`.

    This is the generic cell rate algorithm (ITU-T I.371): one time stores how much is spent, and becomes irrelevant by
    itself.

    Attributes:
        key: identifies the budget.
        user_name: the user name that it is for; "" for a budget that several users share.
        scope: what is limited, for people: "for this user name".
    """

    key: str
    user_name: str
    scope: str
    burst: int
    interval: timedelta

    @property
    def whole(self) -> timedelta:
        """The time in which a spent budget becomes whole again."""
        return self.burst * self.interval

    def get_wait(self, full_at: datetime, now: datetime) -> timedelta:
        """Return the time until the next attempt is allowed; zero or negative if it is allowed now."""
        return full_at + self.interval - self.whole - now

    def count_left(self, full_at: datetime, now: datetime) -> int:
        """Return how many attempts are left."""
        return (self.whole - max(full_at - now, timedelta())) // self.interval


class SignInBudgetQuerySet(models.QuerySet["SignInBudget"]):
    """Queries on budgets."""

    def fetch_waits(self, budgets: Iterable[AttemptBudget], now: datetime) -> Mapping[str, timedelta]:
        """Return the waits of those budgets that are exhausted, by their keys."""
        by_key = {budget.key: budget for budget in budgets}
        rows = self.filter(pk__in=by_key).values_list("key", "full_at")
        waits = {key: by_key[key].get_wait(full_at, now) for key, full_at in rows}
        return {key: wait for key, wait in waits.items() if wait > timedelta()}

    def spend(self, budgets: Sequence[AttemptBudget], now: datetime) -> list[datetime] | None:
        """Charge an attempt to each of `budgets`, and return their `full_at`; None if one of them is exhausted.

        In this case others may have been charged: the caller rolls back. Rows are locked in the order of their keys.
        """
        spent: dict[str, datetime] = {}
        with connections[self.db].cursor() as cursor:
            for budget in sorted(budgets, key=lambda budget: budget.key):
                cursor.execute(_SPEND, _spend_params(budget, now))
                row = cursor.fetchone()
                if row is None:
                    return None
                spent[budget.key] = row[0]
        return [spent[budget.key] for budget in budgets]

    def refund(self, budget: AttemptBudget) -> None:
        """Take back one charged attempt."""
        self.filter(pk=budget.key).update(full_at=models.F("full_at") - budget.interval)

    def of_user(self, user_name: str) -> Self:
        """Return the budgets of a user name, for all addresses and devices."""
        return self.filter(user_name=user_name)

    def shared(self) -> Self:
        """Return the budgets that all user names share."""
        return self.filter(user_name="")

    def delete_expired(self, now: datetime) -> None:
        """Delete some rows that no longer limit anything."""
        with connections[self.db].cursor() as cursor:
            cursor.execute(_DELETE_EXPIRED, [now, _MAX_EXPIRED_ROWS])


def _spend_params(budget: AttemptBudget, now: datetime) -> Any:  # psycopg takes intervals, Django's stubs do not
    return {
        "key": budget.key,
        "user_name": budget.user_name,
        "now": now,
        "interval": budget.interval,
        "whole": budget.whole,
    }


class SignInBudget(models.Model):
    """A budget of which something is spent. Without a row, it is whole."""

    key = models.CharField(max_length=250, primary_key=True)
    user_name = models.CharField(max_length=150, help_text="Empty for a budget that several users share")
    full_at = models.DateTimeField(help_text="Time at which the budget is whole again")

    objects = SignInBudgetQuerySet.as_manager()

    class Meta:
        db_table = "sign_in_budget"
        indexes: ClassVar = [
            models.Index(fields=["user_name"], name="sign_in_budget_user"),  # `of_user`, `shared`
            models.Index(fields=["full_at"], name="sign_in_budget_expired"),  # `delete_expired`
        ]

    def __str__(self) -> str:
        return self.key
