"""The parts that every query field loads: completions, and the reference of the query language."""
