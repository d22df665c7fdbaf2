"""People, a server and a file, simulated: whatever fails, what was acknowledged is there, once.

Participants are real ones (`Provider`, `Notebook`), and so are the relay's rooms, log, index and file; simulated are
time, the network, and when the server ends. One seed is one run, on every machine. See docs/reliability.md.
"""

from __future__ import annotations

from rtc_widgets.testing.simulator.script import Step, printed, written
from rtc_widgets.testing.simulator.soak import Failed, Soaked, attempt, soak
from rtc_widgets.testing.simulator.world import Report, simulate

__all__ = ["Failed", "Report", "Soaked", "Step", "attempt", "printed", "simulate", "soak", "written"]
