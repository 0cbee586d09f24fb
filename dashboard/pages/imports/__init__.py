"""The upload of files with runs, and the verdict on what is in them."""
