"""Links to a run: made by members, and opened by people without an account."""
