"""The pages of error groups: failed, incomplete and expired runs, grouped by their error message."""
