"""Failed sign-ins slow down those who guess, and nobody else."""

from __future__ import annotations

import io
import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth import hashers
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from runs.models import SignInBudget, User
from runs.team import sign_in_limits
from tests import factories
from tests.pages import Page

SHARED = "10.0.0.1"  # the address of everybody behind a proxy
WRONG = "wrong"


class Clock:
    """The time that the limits see. It only goes on when told to."""

    def __init__(self) -> None:
        self.time = timezone.now()

    def now(self) -> datetime:
        return self.time

    def advance(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(sign_in_limits, "timezone", clock)
    return clock


@pytest.fixture
def admin(db: None) -> User:
    return factories.make_user(name="admin")


def sign_in(client: Client, password: str = factories.PASSWORD, name: str = "admin", address: str = SHARED) -> Any:
    return client.post("/login/", {"username": name, "password": password}, REMOTE_ADDR=address)


def fail(times: int, **attempt: str) -> Any:
    """Return the response to the last of a number of wrong passwords from a browser that is not known."""
    responses = [sign_in(Client(), WRONG, **attempt) for _ in range(times)]
    return responses[-1]


def test_five_failures_do_not_lock_out_others(admin: User) -> None:
    fail(5)
    assert sign_in(Client()).status_code == 302


def test_many_failures_make_everybody_unknown_wait(admin: User) -> None:
    response = fail(11)
    assert response.status_code == 429
    alert = Page(response).alert().text
    seconds = int(response["Retry-After"])
    assert 0 < seconds <= 30
    assert f"for this user name from your address. Try again in {seconds} seconds." in alert
    assert alert.endswith("uv run manage.py unlock_user admin")
    assert sign_in(Client()).status_code == 429
    assert sign_in(Client(), address="192.0.2.7").status_code == 302


def test_wait_is_short_and_not_extended(admin: User, clock: Clock) -> None:
    fail(25)
    clock.advance(30)
    assert sign_in(Client()).status_code == 302


def test_known_browser_is_never_slowed_by_others(admin: User) -> None:
    known = Client()
    sign_in(known)
    known.post("/logout/")
    fail(20)
    fail(20, name="someone-else")
    assert sign_in(known).status_code == 302


def test_known_browser_has_a_limit_too(admin: User) -> None:
    known = Client()
    sign_in(known)
    known.post("/logout/")
    responses = [sign_in(known, WRONG) for _ in range(11)]
    assert [response.status_code for response in responses] == [200] * 10 + [429]
    assert "from this browser" in Page(responses[-1]).alert().text
    assert sign_in(Client()).status_code == 302


def test_device_cookie_is_for_one_user_name(admin: User) -> None:
    factories.make_user(name="eve")
    known_to_eve = Client()
    sign_in(known_to_eve, name="eve")
    known_to_eve.post("/logout/")
    fail(20)
    assert sign_in(known_to_eve).status_code == 429


def test_forged_device_cookie_counts_as_none(admin: User, settings: Any) -> None:
    fail(20)
    client = Client()
    client.cookies[settings.DEVICE_COOKIE_NAME] = "eyJhIjoiYiJ9:1:forged"
    assert sign_in(client).status_code == 429


def test_address_is_limited_unless_it_is_known(admin: User, clock: Clock) -> None:
    responses = [fail(1, name=f"guess{number}") for number in range(16)]
    response = responses[-1]
    assert (response.status_code, "from your address" in Page(response).alert().text) == (429, True)
    assert sign_in(Client()).status_code == 429
    clock.advance(120)
    assert sign_in(Client()).status_code == 302
    assert {fail(1, name=f"spray{number}").status_code for number in range(20)} == {200}


def test_attempts_are_limited_in_all(admin: User) -> None:
    statuses = [fail(1, name=f"n{number}", address=f"192.0.2.{number}").status_code for number in range(26)]
    assert statuses == [200] * 25 + [429]


def test_one_name_is_limited_over_all_addresses(admin: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sign_in_limits, "_NAME_BURST", 3)
    statuses = [fail(1, address=f"192.0.2.{number}").status_code for number in range(4)]
    assert statuses == [200, 200, 200, 429]


@pytest.mark.parametrize("name", ["admin", "nobody"])
def test_refusal_hashes_and_writes_nothing(admin: User, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fail(11, name=name)  # the last one is reported, further ones within a minute are not
    hashed: list[str] = []
    hasher = type(hashers.get_hasher())
    monkeypatch.setattr(hasher, "encode", lambda *_: hashed.append("") or "")
    with CaptureQueriesContext(connection) as captured:
        assert fail(1, name=name).status_code == 429
    assert not hashed
    assert [query["sql"].split()[0] for query in captured.captured_queries] == ["SELECT"]


def test_success_forgets_failures(admin: User) -> None:
    fail(9)
    sign_in(Client())
    assert Page(fail(1)).alert().text.endswith("9 attempts left.")


def test_expired_budgets_are_deleted(admin: User, clock: Clock) -> None:
    fail(3, name="stranger")
    clock.advance(3600)
    fail(1)
    assert not SignInBudget.objects.filter(full_at__lt=clock.now()).exists()


def test_command_of_the_page_ends_the_wait(admin: User) -> None:
    alert = Page(fail(11)).alert().text
    name, argument = re.search(r"manage\.py (\S+) (\S+)$", alert).groups()  # type: ignore[union-attr]
    out = io.StringIO()
    call_command(name, argument, stdout=out)
    assert out.getvalue() == "admin can sign in now\n"
    assert sign_in(Client()).status_code == 302


def test_page_never_prints_an_unsafe_argument(db: None) -> None:
    alert = Page(fail(11, name="x; rm -rf /")).alert().text
    assert alert.endswith("unlock_user NAME")


def test_unknown_user_is_not_unlocked(db: None) -> None:
    with pytest.raises(CommandError, match="No user 'nobody'"):
        call_command("unlock_user", "nobody")
