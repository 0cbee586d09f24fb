"""The list of assistants, and the page that compares the versions of one."""
