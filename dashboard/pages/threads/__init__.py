"""What the page of one thread shows, from stored records to plain values for a template."""
