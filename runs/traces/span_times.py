"""Times of spans in the units of runs."""

NANOSECONDS_PER_SECOND = 10**9


def to_seconds(nanoseconds: int) -> int:
    """Return a time in whole seconds, as runs have it."""
    return nanoseconds // NANOSECONDS_PER_SECOND
