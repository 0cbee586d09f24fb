"""Data that Runglass derives of posted objects: costs, error groups, and the validation of tool calls."""
