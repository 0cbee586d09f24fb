"""Tests that passwords are hashed with low priority."""

from __future__ import annotations

import os
import sys
import threading

import pytest
from django.contrib.auth import hashers
from django.utils.module_loading import import_string

from dashboard import settings as site_settings
from runs.team import password_hashing
from runs.team.password_hashing import LowPriorityPasswordHasher

HASH = hashers.PBKDF2PasswordHasher().encode("secret", "salt", 10)


def test_hashes_are_those_of_django() -> None:
    hasher = LowPriorityPasswordHasher()

    assert hasher.encode("secret", "salt", 10) == HASH
    assert hasher.verify("secret", HASH)
    assert not hasher.verify("other", HASH)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has priorities of threads")
def test_only_the_hashing_thread_has_low_priority(monkeypatch: pytest.MonkeyPatch) -> None:
    niceness: list[int] = []

    def note_priority(*args: object, **kwargs: object) -> bytes:
        niceness.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
        return b"hash"

    monkeypatch.setattr(hashers, "pbkdf2", note_priority)
    before = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    LowPriorityPasswordHasher().encode("secret", "salt")

    assert niceness == [max(password_hashing.NICENESS, before)]
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == before


def test_site_hashes_with_low_priority() -> None:
    assert import_string(site_settings.PASSWORD_HASHERS[0]) is LowPriorityPasswordHasher
