"""Every filter, annotation and prefetch on records, as chainable methods: a module a record, as in `runs.models`."""
