"""Tests of `dashboard.server.os_user.access_lists`."""

from __future__ import annotations

import errno
import os
import subprocess
from pathlib import Path

import pytest

from dashboard.server.os_user.access_lists import EXECUTE, READ, AccessList

ANN, BOB, GROUP = 4_000_001, 4_000_002, 4_000_003  # no user has these numbers


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    directory = tmp_path / "directory"
    directory.mkdir(mode=0o700)
    try:
        AccessList(directory).grant(ANN, 0)
    except OSError as error:
        if error.errno == errno.EOPNOTSUPP:
            pytest.skip("this file system has no access control lists")
        raise
    os.removexattr(directory, "system.posix_acl_access")
    return directory


def test_only_the_named_user_gets_access(directory: Path) -> None:
    access = AccessList(directory)
    access.grant(ANN, EXECUTE)

    assert access.allows(ANN, GROUP, EXECUTE)
    assert not access.allows(ANN, GROUP, READ)
    assert not access.allows(BOB, GROUP, EXECUTE)
    assert directory.stat().st_mode & 0o707 == 0o700


def test_wider_mask_widens_no_other_entry(directory: Path) -> None:
    access = AccessList(directory)
    access.grant(BOB, READ | EXECUTE)
    directory.chmod(0o700)  # the mask is now empty, so that the entry has no effect
    access.grant(ANN, EXECUTE)

    assert access.allows(ANN, GROUP, EXECUTE)
    assert not access.allows(BOB, GROUP, EXECUTE)


def test_grants_of_one_user_add_up(directory: Path) -> None:
    access = AccessList(directory)
    access.grant(ANN, EXECUTE)
    access.grant(ANN, READ)

    assert access.allows(ANN, GROUP, READ | EXECUTE)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_kernel_agrees(directory: Path) -> None:
    directory.parent.chmod(0o711)
    for closed in (directory, *directory.parents):
        if not AccessList(closed).allows(ANN, GROUP, EXECUTE):
            AccessList(closed).grant(ANN, EXECUTE)

    def can_enter(uid: int) -> bool:
        check = subprocess.run(
            ["/bin/ls", "-d", f"{directory}/."], user=uid, extra_groups=[], cwd="/", capture_output=True, check=False
        )
        return check.returncode == 0

    assert (can_enter(ANN), can_enter(BOB)) == (True, False)
