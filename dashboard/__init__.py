"""The site: server, pages, and what they share. It imports `runs`; `runs` never imports it."""
