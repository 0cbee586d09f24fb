"""The usage page as its templates need it: facts, picture, tables, each number with the address of its runs."""
