"""The usage page: tokens, cost and runs over time and by group, and latency. Each number links to its runs."""
