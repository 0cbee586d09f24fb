"""The run list, its downloads, saved views, tags and bulk actions, and the help of the query language."""
