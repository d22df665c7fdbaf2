"""Measuring one piece of work in several ways, in turns, so that what disturbs one disturbs all.

A machine's speed drifts from minute to minute, and a ratio of two figures taken one after the other drifts with it.
So each round does the work once in each way, in an order that changes, and ratios are taken within a round.
"""

from __future__ import annotations

import gc
import statistics
import sys
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["Case", "Effort", "Result", "Rounds", "Size", "Spread", "Topic", "Ways"]

Ways = Mapping[str, Callable[[], Any]]
Unit = Literal["s", "bytes", "count"]


@dataclass(frozen=True)
class Size:
    """Say how large what is measured is."""

    cells: int = 10_000
    clients: int = 64
    """At most; where fewer than a case's name says, it has fewer."""
    seconds: float = 0.8
    """Of typing, in a round."""
    burst: int = 2_000
    kernel_burst: int = 10_000
    updates: int = 100_000
    """In a log."""
    megabytes: float = 10
    """At most."""
    opens: int = 200

    @classmethod
    def quick(cls) -> Size:
        """Return a small size, to see that all works."""
        return cls(200, 4, 0.2, 100, 200, 500, 0.1, 5)

    @property
    def few(self) -> int:
        """Return a tenth of the cells."""
        return max(1, self.cells // 10)


@dataclass(frozen=True)
class Effort:
    """Say how long to measure: rounds until *seconds* have passed, but at least *least* and at most *most*."""

    least: int = 5
    most: int = 101
    seconds: float = 2.0

    def at_most(self, rounds: int | None) -> Effort:
        """Return an effort of no more than *rounds*."""
        if rounds is None:
            return self
        return Effort(min(self.least, rounds), min(self.most, rounds), self.seconds)


# Makes, of a size, the rounds of a case: of each, what to do in each way. What a generator does between two rounds is
# not measured. Each call returns a small proof of what it did (for the unit bytes: the figure), the same in each way.
# In a case of several metrics it returns the figure of each.
Rounds = Callable[[Size], Iterable[Ways]]


@dataclass(frozen=True)
class Spread:
    """Hold the median of some figures, and the quartiles around it."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, figures: list[float]) -> Spread:
        """Return that of *figures*."""
        if len(figures) == 1:
            return cls(*figures * 3)
        low, median, high = statistics.quantiles(figures, n=4, method="inclusive")
        return cls(median, low, high)


@dataclass(frozen=True)
class Result:
    """Hold the figures of one case: of each way, one a round."""

    name: str
    unit: Unit
    figures: dict[str, list[float]]

    def spread(self, way: str) -> Spread | None:
        """Return what *way* takes; None where the case does not know that way."""
        return Spread.of(self.figures[way]) if way in self.figures else None

    def ratio(self, way: str, other: str) -> Spread | None:
        """Return how many times as much *way* takes as *other* in the same round."""
        if way not in self.figures or other not in self.figures:
            return None
        pairs = zip(self.figures[way], self.figures[other], strict=False)
        ratios = [a / b for a, b in pairs if b > 0]
        return Spread.of(ratios) if ratios else None

    def raw(self) -> dict[str, Any]:
        """Return all as plain data."""
        return {"name": self.name, "unit": self.unit, "figures": self.figures}


@dataclass(frozen=True)
class Case:
    """Hold one piece of work.

    Args:
        name: says what is done.
        rounds: makes the rounds.
        per: how often each call does it.
        unit: ``s``: the call's time is the figure; ``bytes``: what the call returns.
        most: rounds, where more would take too long.
        metrics: the unit of each figure, in a case whose calls measure for themselves and return several. Less is
            better, of each. What a call does not return, its way does not know.
    """

    name: str
    rounds: Rounds
    per: int = 1
    unit: Unit = "s"
    most: int | None = None
    metrics: Mapping[str, Unit] | None = None

    def measure(self, size: Size, effort: Effort) -> list[Result]:
        """Measure, and return one result for each figure."""
        effort = effort.at_most(self.most)
        if self.metrics is None:
            return [self._measure_calls(size, effort)]
        return self._collect(self.metrics, size, effort)

    def _collect(self, metrics: Mapping[str, Unit], size: Size, effort: Effort) -> list[Result]:
        figures: dict[str, dict[str, list[float]]] = {}
        failed: set[str] = set()
        began = time.perf_counter()
        with _closing(self.rounds(size)) as rounds:
            for number, ways in enumerate(rounds, 1):
                names = list(ways)
                for name in names[number % len(names) :] + names[: number % len(names)]:
                    if name in failed:
                        continue
                    gc.collect()
                    try:
                        got = ways[name]()
                    except Exception as error:  # noqa: BLE001 - what one server does must not hide the others' figures
                        print(
                            f"    {name} failed: {type(error).__name__}: {error}", file=sys.stderr, flush=True
                        )
                        failed.add(name)
                        continue
                    for metric in metrics.keys() & got.keys():
                        figures.setdefault(metric, {}).setdefault(name, []).append(float(got[metric]))
                late = time.perf_counter() - began > effort.seconds
                if number >= effort.most or (late and number >= effort.least):
                    break
        return [
            Result(f"{self.name}: {metric}", unit, figures[metric])
            for metric, unit in metrics.items()
            if metric in figures
        ]

    def _measure_calls(self, size: Size, effort: Effort) -> Result:
        """Measure; of times the first round does not count, because it loads what is loaded late."""
        figures: dict[str, list[float]] = {}
        began = time.perf_counter()
        first = 0 if self.unit == "s" else 1
        for number, ways in enumerate(self.rounds(size), first):
            names = list(ways)
            proofs = {}
            for name in names[number % len(names) :] + names[: number % len(names)]:
                gc.collect()
                start = time.perf_counter()
                proofs[name] = ways[name]()
                took = time.perf_counter() - start
                if number:
                    figure = float(proofs[name]) if self.unit == "bytes" else took / self.per
                    figures.setdefault(name, []).append(figure)
            if self.unit == "s" and any(proof != proofs[names[0]] for proof in proofs.values()):
                raise AssertionError(f"{self.name}: the ways did not do the same: {proofs}")
            late = time.perf_counter() - began > effort.seconds
            if number >= effort.most or (late and number >= effort.least):
                break
        return Result(self.name, self.unit, figures)


@contextmanager
def _closing(rounds: Iterable[Ways]) -> Iterator[Iterable[Ways]]:
    """Have a generator of rounds end at once, with the servers that it runs."""
    try:
        yield rounds
    finally:
        if isinstance(rounds, Generator):
            rounds.close()


@dataclass
class Topic:
    """Hold the cases of one module.

    Args:
        title: of the table.
        ways: the first is ours; the table compares it to the others, in this order.
        around: makes what all cases share, which they find in `shared`.
    """

    title: str
    ways: tuple[str, ...]
    around: Callable[[], AbstractContextManager[Any]] = nullcontext
    cases: list[Case] = field(default_factory=list)
    shared: Any = None

    def measure(self, word: str, size: Size, effort: Effort) -> list[Result]:
        """Measure the cases with *word* in their name."""
        cases = [case for case in self.cases if word in case.name]
        results: list[Result] = []
        if cases:
            with self.around() as self.shared:
                for case in cases:
                    print(f"  {case.name} …", file=sys.stderr, flush=True)
                    results += case.measure(size, effort)
        return results

    def case(
        self,
        name: str,
        *,
        per: int = 1,
        unit: Unit = "s",
        most: int | None = None,
        metrics: Mapping[str, Unit] | None = None,
    ) -> Callable[[Rounds], Rounds]:
        """Register a function that makes rounds as a case."""

        def register(rounds: Rounds) -> Rounds:
            self.cases.append(Case(name, rounds, per, unit, most, metrics))
            return rounds

        return register
