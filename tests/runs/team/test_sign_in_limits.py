"""The limits of sign-ins hold for attempts at the same time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from runs.errors import TooManySignInAttempts
from runs.models import SignInBudget
from runs.team.sign_in_limits import reserve_attempt


def is_allowed(_: int) -> bool:
    try:
        reserve_attempt("admin", "192.0.2.7", None)
    except TooManySignInAttempts:
        return False
    finally:
        connection.close()
    return True


@pytest.mark.django_db(transaction=True)
def test_attempts_at_once_do_not_exceed_the_limit() -> None:
    with ThreadPoolExecutor(8) as pool:
        allowed = list(pool.map(is_allowed, range(24)))
    assert allowed.count(True) == 10
    assert SignInBudget.objects.count() == 4


@pytest.mark.django_db
def test_success_takes_the_charge_back() -> None:
    for _ in range(60):
        reserve_attempt("admin", "192.0.2.7", None).succeed()
    reserve_attempt("admin", "192.0.2.7", None)
