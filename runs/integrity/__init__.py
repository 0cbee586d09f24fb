"""Checks of stored data against what it is derived from, and repairs that lose nothing.

`rollup_recount` counts rollups again, `orphans` finds records whose owner is missing, `history` rebuilds earlier
versions, and `metadata` compares the values that searches rely on. Each check yields `CheckResult`s (`check_results`).
All of them may run beside ingest: they read snapshots, and repairs exclude or tolerate concurrent writers.
"""
