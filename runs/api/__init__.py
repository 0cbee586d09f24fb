"""REST at the edge: keys, intake and reads under /api/v1."""
