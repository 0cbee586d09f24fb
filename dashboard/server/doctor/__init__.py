"""Checks of the environment for the command `doctor`: what the machine, the settings and the database are like."""
