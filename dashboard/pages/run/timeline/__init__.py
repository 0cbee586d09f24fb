"""The timeline of the run page: steps and calls, or the spans of a trace, as a tree of rows on one time axis."""
