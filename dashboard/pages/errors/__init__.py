"""The pages of error groups: what their addresses ask for, and what is shown of each group."""
