"""Settings of a project: API keys, members, prices; and the form for a new project."""
