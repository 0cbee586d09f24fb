"""The pages of the site, one package each. They do not import each other."""
