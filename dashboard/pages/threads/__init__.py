"""The list of threads and the page of one thread."""
