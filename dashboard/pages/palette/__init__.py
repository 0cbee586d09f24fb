"""The command palette: jump to a run, a thread, an assistant, a page, a view or a project, or start an action."""
