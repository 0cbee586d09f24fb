"""The site: server, pages, and what they share. It imports `runs`, never the other way round."""
