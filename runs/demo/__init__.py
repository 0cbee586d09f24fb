"""Demo data of our own making: what a team's last month of runs could look like.

Everything here is pure, but for the module that loads it; it imports no Django.
"""

from runs.demo.generate import Lifecycle, generate_assistants, generate_lifecycles

__all__ = ["Lifecycle", "generate_assistants", "generate_lifecycles"]
