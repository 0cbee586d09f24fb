"""Demo data of our own making: what a team's last month of runs could look like.

Everything here is pure, but for the module that loads it; it imports no Django.
"""

from runs.demo.generate import Lifecycle, assistants, generate

__all__ = ["Lifecycle", "assistants", "generate"]
