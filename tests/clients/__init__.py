"""Published clients of the hosted APIs, as they are, against a live server.

Each is given the same questions (`archive.Archive.assignment`) and must come back with the same answers
(`archive.Archive.expected`): every object equal, each list complete in both orders, unknown ids as its own
exception. Lists are read no further than one object too many, so that a client that loops fails.
"""
