"""What happens in a simulation, as a list of steps: made from a seed, printed, and run again in part.

A step holds numbers, not names: whichever of the steps before it are left out, they mean something.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields

__all__ = ["DEEDS", "FAULTS", "PEOPLE", "Step", "printed", "written"]

PEOPLE = 3
"""How many take part; the last of them are guests, who leave for good and come anew."""

# What people do, and how often; `person.py` says what each is.
DEEDS = {
    "line": 20,
    "insert": 8,
    "append": 4,
    "cut": 2,
    "set": 2,
    "add": 8,
    "delete": 4,
    "move": 6,
    "retype": 2,
    "split": 3,
    "merge": 2,
    "note": 3,
    "tag": 2,
    "run": 4,
    "group": 4,
    "undo": 4,
    "redo": 2,
    "comment": 3,
    "save": 2,
}
# What befalls them; `world.py` says what each is.
FAULTS = {
    "drop": 5,
    "offline": 3,
    "leave": 2,
    "kill": 2,
    "restart": 1,
    "compact": 1,
    "outside": 6,
}


@dataclass(frozen=True, slots=True)
class Step:
    """Say what happens next.

    Args:
        what: one of `DEEDS` or `FAULTS`.
        who: of the people.
        n: picks a cell, or whatever the step is about.
        m: picks a place in it, or a second one.
        kind: of a cell that is made.
        wait: seconds before it, in which what is under way goes on.
    """

    what: str
    who: int = 0
    n: int = 0
    m: int = 0
    kind: str = "t"
    wait: float = 0.0

    def __repr__(self) -> str:
        given = [
            f"{field.name}={getattr(self, field.name)!r}"
            for field in fields(self)
            if field.name != "what" and getattr(self, field.name) != field.default
        ]
        return f"Step({', '.join([repr(self.what), *given])})"


def written(seed: int, count: int) -> list[Step]:
    """Return the steps of *seed*.

    >>> written(7, 100) == written(7, 200)[:100]
    True
    """
    dice = random.Random(f"script {seed}")  # noqa: S311 - to be repeated, not to be guessed
    names, weights = zip(*(DEEDS | FAULTS).items(), strict=True)
    return [_step(dice, names, weights) for _ in range(count)]


def _step(dice: random.Random, names: Sequence[str], weights: Sequence[int]) -> Step:
    # Half of them come in bursts, one in twenty after a pause in which the file is saved.
    wait = dice.choice([0.0, 0.0, 0.01, 0.05, 0.2]) if dice.random() < 0.95 else dice.random() * 4
    return Step(
        dice.choices(names, weights)[0],
        dice.randrange(PEOPLE),
        dice.randrange(40),
        dice.randrange(40),
        dice.choice("ttsmrdd"),
        round(wait, 2),
    )


def printed(steps: Iterable[Step]) -> str:
    """Return *steps* as Python that makes them again."""
    return "[\n" + "".join(f"    {step!r},\n" for step in steps) + "]"
