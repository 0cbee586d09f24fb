"""Tests of published, unmodified clients of the Assistants API against a live server.

Every client gets the same task (`Archive.build_task`) and must return the same results (`Archive.expected_results`):
every object unchanged, every list complete in both orders, and the client's own exception for unknown ids. Lists are
read to one object too many at most, so that a client that loops fails.
"""
