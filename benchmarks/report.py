"""What was measured, as a table for people and as raw figures for programs."""

from __future__ import annotations

import dataclasses
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from benchmarks.runner import Effort, Result, Size, Spread, Topic, Unit

__all__ = ["header", "table"]

_PACKAGES = ("rtc_widgets", "pycrdt", "jupyter_ydoc", "nbformat")


def header(size: Size, effort: Effort) -> dict[str, Any]:
    """Return what one has to know of a run to compare it; nothing that names the machine."""
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "packages": {name: _version(name) for name in _PACKAGES},
        "size": dataclasses.asdict(size),
        "effort": dataclasses.asdict(effort),
        "topics": {},
    }


def table(topic: Topic, results: list[Result]) -> str:
    """Return a Markdown table: what each way takes, then how many times as much ours takes as each other."""
    ours, *others = topic.ways
    heads = ["", *topic.ways, *(f"÷ {other}" for other in others)]
    lines = ["", f"### {topic.title}", "", _row(heads), _row(["---", *["---:"] * (len(heads) - 1)])]
    for result in results:
        figures = [_figure(result.spread(way), result.unit) for way in topic.ways]
        lines.append(_row([result.name, *figures, *(_ratio(result.ratio(ours, other)) for other in others)]))
    return "\n".join(lines)


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |".replace("|  |", "| |")


def _figure(spread: Spread | None, unit: Unit) -> str:
    if spread is None:
        return "–"
    value = spread.median
    if unit == "count":
        return f"{value:,.0f}"
    scales = (
        ((1e6, "MB"), (1e3, "kB"), (1, "B")) if unit == "bytes" else ((1, "s"), (1e-3, "ms"), (1e-6, "µs"))
    )
    scale, name = next((one for one in scales if value >= one[0]), scales[-1])
    return f"{_digits(value / scale)} {name}"


def _ratio(spread: Spread | None) -> str:
    if spread is None:
        return "–"
    return f"**{_digits(spread.median)}** ({_digits(spread.low)}–{_digits(spread.high)})"


def _digits(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}" if value >= 1 else f"{value:.2f}"


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
