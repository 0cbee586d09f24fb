"""Runs that are derived from other objects: responses and traces.

Those objects are stored as they were posted; their runs are a pure function of them, and are written again whenever
the objects change. `derived_runs` reads what is derived as if it were posted, `replacement` writes it, and
`transactions` runs both together with the storing of the objects.
"""

from runs.derivation.derived_runs import DerivedRun
from runs.derivation.replacement import replace_derived_runs
from runs.derivation.transactions import run_in_derivation_transaction

__all__ = ["DerivedRun", "replace_derived_runs", "run_in_derivation_transaction"]
