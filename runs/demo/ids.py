"""Ids in the styles of servers: a prefix and 24 letters and digits, a prefix and a UUID, or only a UUID."""

from __future__ import annotations

from random import Random
from string import ascii_letters, digits

_ALPHABET = (ascii_letters + digits).encode("ascii")
_FROM_BYTE = bytes(_ALPHABET[byte % len(_ALPHABET)] for byte in range(256))


def make_token(rng: Random, length: int = 24) -> str:
    """Return random letters and digits. They are drawn as one block of bytes, because a run needs a dozen tokens."""
    return rng.randbytes(length).translate(_FROM_BYTE).decode("ascii")


def make_uuid(rng: Random) -> str:
    """Return a random version 4 UUID."""
    drawn = f"{rng.getrandbits(128):032x}"
    return f"{drawn[:8]}-{drawn[8:12]}-4{drawn[13:16]}-a{drawn[17:20]}-{drawn[20:]}"
