"""Ids in the styles that servers give: prefix and 24 letters and digits, prefix and UUID, or a UUID alone."""

from __future__ import annotations

from random import Random
from string import ascii_letters, digits

_ALPHABET = (ascii_letters + digits).encode("ascii")
_FROM_BYTE = bytes(_ALPHABET[byte % len(_ALPHABET)] for byte in range(256))


def make_token(rng: Random, length: int = 24) -> str:
    """Letters and digits, drawn as one block of bytes because a run needs a dozen of these."""
    return rng.randbytes(length).translate(_FROM_BYTE).decode("ascii")


def make_uuid(rng: Random) -> str:
    """A version 4 UUID in its usual spelling."""
    drawn = f"{rng.getrandbits(128):032x}"
    return f"{drawn[:8]}-{drawn[8:12]}-4{drawn[13:16]}-a{drawn[17:20]}-{drawn[20:]}"
