"""Demo data: what a team's last month of runs could look like.

All modules are pure and import no Django, except `loading`.
"""

from runs.demo.generate import Lifecycle, generate_assistants, generate_lifecycles

__all__ = ["Lifecycle", "generate_assistants", "generate_lifecycles"]
