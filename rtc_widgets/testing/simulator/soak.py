"""One simulation after the other, for as long as one has: each seed is another, and what fails is made small."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from rtc_widgets.testing.simulator.script import DEEDS, FAULTS, Step, printed, written
from rtc_widgets.testing.simulator.shrink import shrunk
from rtc_widgets.testing.simulator.world import OpenStore, Report, simulate

__all__ = ["Failed", "Soaked", "attempt", "soak"]


class Failed(AssertionError):
    """Tell what does not hold, with the seed and the fewest steps that show it."""


@dataclass(slots=True)
class Soaked:
    """Tell what a soak did.

    Args:
        seeds: the first seed, and how many.
        steps: how many steps of each kind.
        updates: what people wrote, as updates of the document.
        acknowledged: how many of them the server had said to be safe, and are in the log.
        comments: how many comments were answered, and are in the log.
        seconds: that passed in the simulations.
        overwritten: how often the server wrote the file in the moment after somebody else had.
        conflicts: how many texts that were changed here and in the file people were told of.
        took: seconds that all of it took.
    """

    seeds: tuple[int, int]
    steps: Counter[str] = field(default_factory=Counter)
    updates: int = 0
    acknowledged: int = 0
    comments: int = 0
    seconds: float = 0.0
    overwritten: int = 0
    conflicts: int = 0
    took: float = 0.0

    def add(self, report: Report) -> None:
        """Count one simulation."""
        self.steps += report.steps
        self.updates += report.updates
        self.acknowledged += report.acknowledged
        self.comments += report.comments
        self.seconds += report.seconds
        self.overwritten += report.overwritten
        self.conflicts += report.conflicts
        self.seeds = self.seeds[0], self.seeds[1] + 1

    def __str__(self) -> str:
        edits = sum(count for what, count in self.steps.items() if what in DEEDS)
        faults = ", ".join(f"{what} {self.steps[what]:,}" for what in FAULTS if self.steps[what])
        first, count = self.seeds
        return (
            f"{count:,} simulations (seeds {first} to {first + count - 1}) in {self.took:,.0f} s, "
            f"{self.seconds / 3600:,.1f} hours of their own time\n"
            f"edits       {edits:,}, as {self.updates:,} updates, {self.acknowledged:,} of them acknowledged; "
            f"{self.comments:,} comments\n"
            f"faults      {sum(self.steps.values()) - edits:,}: {faults}\n"
            f"overwritten {self.overwritten:,} times by a save in the moment after somebody else's\n"
            f"conflicts   {self.conflicts:,} texts changed on both sides: both stayed, and people were told\n"
            "lost        0\n"
            "doubled     0"
        )


def attempt(seed: int, steps: int | Sequence[Step] = 200, *, open_store: OpenStore | None = None) -> Report:
    """Run one simulation.

    Args:
        seed: of all that happens.
        steps: how many; or which.
        open_store: opens the log in a folder, over and over; the relay's own, if nothing is said.

    Raises:
        Failed: something does not hold; the message names the seed, and holds the fewest steps that show it.
    """
    script = written(seed, steps) if isinstance(steps, int) else list(steps)
    found = _failure(seed, script, open_store)
    if isinstance(found, Report):
        return found

    def fails(some: list[Step]) -> bool:
        other = _failure(seed, some, open_store)
        return isinstance(other, Exception) and _kind(other) == _kind(found)

    few = shrunk(script, fails)
    last = _failure(seed, few, open_store)
    told = last if isinstance(last, Exception) else found
    raise Failed(
        f"Seed {seed}, {len(script)} steps, of which {len(few)} are enough: {told}\n"
        f"Repeat it with: attempt({seed}, {printed(few)})"
    ) from found


def soak(
    seed: int,
    more: Callable[[Soaked], bool],
    *,
    steps: int = 200,
    open_store: OpenStore | None = None,
) -> Soaked:
    """Run simulations from *seed* on for as long as *more* says.

    Raises:
        Failed: one of them failed; see `attempt`.
    """
    begun = time.monotonic()
    soaked = Soaked((seed, 0))
    while more(soaked):
        soaked.add(attempt(seed + soaked.seeds[1], steps, open_store=open_store))
        soaked.took = time.monotonic() - begun
    return soaked


def _failure(seed: int, steps: Sequence[Step], open_store: OpenStore | None) -> Report | Exception:
    """Run it, and return what came of it: any error is a failure, and is told as one."""
    try:
        return simulate(seed, steps, open_store=open_store)
    except Exception as error:  # noqa: BLE001 - see above
        return error


def _kind(error: BaseException) -> tuple[type[BaseException], str]:
    """Tell failures apart: by their first words, which name nobody."""
    return type(error), str(error).partition(":")[0][-20:]
