"""What the page of one run shows: a module a section, from stored records to plain values for a template."""
