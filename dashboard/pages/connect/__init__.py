"""Help to send the first run, and the status of arriving runs."""
