"""Settings of a project: API keys, members, prices, retention; and the form for a new project."""
