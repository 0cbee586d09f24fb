"""The pages about tools and functions: what is asked, and what each shows."""
