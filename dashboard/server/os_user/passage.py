"""Let the unprivileged user reach the data directory and the code, wherever root has put them.

Often that is below a home directory with mode 0700. Its owner, its mode for others and what it lists stay as they are:
an access control list only lets this one user pass through it. Each change is announced on stderr, with the command
that would do the same.
"""

from __future__ import annotations

import os
import pwd
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import django

from dashboard.server.os_user.access_lists import EXECUTE, READ, AccessList
from dashboard.server.os_user.errors import OsUserError
from dashboard.server.os_user.users import OsUser

PROJECT_DIRECTORY = Path(__file__).resolve().parents[3]  # the checkout, or `site-packages`
# Trees of code, each with a file that shows whether the tree is readable: under the umask 077, none is.
CODE_TREES = (
    (PROJECT_DIRECTORY, Path(__file__)),
    (Path(sys.prefix), Path(django.__file__)),
    (Path(sys.base_prefix), Path(os.__file__)),
)


def grant_passage(user: OsUser, directories: Iterable[Path]) -> None:
    """Let `user` enter `directories`, which need not exist yet. The caller is root, or `user` itself.

    Raises OsUserError if the file system has no access control lists.
    """
    if not user.is_other:
        return
    steps = {step: None for directory in directories for step in _list_steps(directory)}
    for step in steps:
        if step.is_dir() and not AccessList(step).allows(user.uid, user.gid, EXECUTE):
            _grant(user, step, EXECUTE, f"setfacl -m u:{_name(user)}:x {step}", f"chmod o+x {step}")
            print(f"Let the user {_name(user)} pass through {step}", file=sys.stderr)


def grant_code_access(user: OsUser) -> None:
    """Let `user` run the installed code: Python, the dependencies and Runglass itself. Raises OsUserError."""
    if not user.is_other:
        return
    grant_passage(user, [*(tree for tree, _ in CODE_TREES), *(Path(entry) for entry in sys.path if entry)])
    for tree, example in CODE_TREES:
        if not AccessList(example).allows(user.uid, user.gid, READ):
            for path in _walk_code(tree):
                if not AccessList(path).allows(user.uid, user.gid, wanted := _permissions_of_owner(path)):
                    _grant(user, path, wanted, f"setfacl -R -m u:{_name(user)}:rX {tree}", f"chmod -R go+rX {tree}")
            print(f"Let the user {_name(user)} read the code in {tree}", file=sys.stderr)


def _list_steps(directory: Path) -> Iterator[Path]:
    """Yield the directories that are passed on the way, also by symbolic links, from the top down."""
    for path in (directory.absolute(), directory.resolve()):
        yield from reversed((path, *path.parents))


def _walk_code(tree: Path) -> Iterator[Path]:
    """Yield `tree` and what it contains, without the history of the repository."""
    for name, directories, files in os.walk(tree):
        directories[:] = [entry for entry in directories if entry != ".git"]
        paths = (Path(name, entry) for entry in files)
        yield from (Path(name), *(path for path in paths if not path.is_symlink()))


def _permissions_of_owner(path: Path) -> int:
    return READ | (EXECUTE if path.stat().st_mode & 0o100 else 0)


def _grant(user: OsUser, path: Path, permissions: int, *commands: str) -> None:
    try:
        AccessList(path).grant(user.uid, permissions)
    except OSError as error:
        raise OsUserError(
            f"The user {_name(user)} that Runglass runs as cannot enter or read {path}, and root cannot allow it "
            f"({error.strerror}): run `{'` or `'.join(commands)}`, or start Runglass as an ordinary user"
        ) from error


def _name(user: OsUser) -> str:
    try:
        return pwd.getpwuid(user.uid).pw_name
    except KeyError:
        return str(user.uid)
