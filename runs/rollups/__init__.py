"""Rollups: tables of sums over runs and tool calls, by hour or day and by a few fields.

Reading a rollup takes milliseconds for any number of runs, and its numbers are exact at any moment:

- Writers only append. A transaction that changes runs or steps adds rows with the differences, negative ones where
  something was taken away (`writer`). So writers never wait for each other.
- Readers add up all rows of a key (`reader`). If a time range splits an hour, single runs are read too
  (`time_buckets`).
- Compaction replaces many rows of a key by one with their sum, which does not change results (`compaction`).

To add a rollup:

1. Add a model to `runs.models.rollup`: a subclass of `RunRollup` with a period (`hour` or `day`) and key fields.
2. Add a `RollupTable` to `RUN_ROLLUPS` in `runs.rollups.runs`, or to `TOOL_CALL_ROLLUPS` in
   `runs.rollups.tool_calls`. The writer, compaction and the reader find it there. A key field that is new belongs to
   `RunGroup`, too.
3. In the migration that creates the table, fill it from the existing runs.
"""
