"""Run the site: the embedded database, the web server, and what they need to start."""
