"""Data that Runglass derives from posted objects: costs, error groups, and the validation of tool calls."""
