"""What was measured, as a table for people and as raw figures for programs."""

from __future__ import annotations

import dataclasses
import json
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks.runner import Effort, Result, Size, Spread, Topic, Unit

__all__ = ["header", "record", "table", "told"]

_PACKAGES = (
    "rtc_widgets",
    "pycrdt",
    "jupyter_ydoc",
    "nbformat",
    "jupyter_server",
    "tornado",
    "ipykernel",
    "jupyterlab",
)
_ROOT = Path(__file__).parent.parent


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
    """Return a Markdown table: what each way takes, and how many times as much ours takes as each other.

    Where ours is compared to many, the ratio stands beside the other's figure, without its quartiles.
    """
    ours, *others = topic.ways
    narrow = len(others) > 2
    heads = ["", *topic.ways] if narrow else ["", *topic.ways, *(f"÷ {other}" for other in others)]
    lines = [_row(heads), _row(["---", *["---:"] * (len(heads) - 1)])]
    for result in results:
        figures = [_figure(result.spread(way), result.unit) for way in topic.ways]
        ratios = [result.ratio(ours, other) for other in others]
        if narrow:
            beside = [f"{f}{_beside(r)}" for f, r in zip(figures[1:], ratios, strict=True)]
            lines.append(_row([result.name, figures[0], *beside]))
        else:
            lines.append(_row([result.name, *figures, *map(_ratio, ratios)]))
    return "\n".join(lines)


def told(raw: dict[str, Any]) -> str:
    """Return the versions and the machine, in a sentence for people."""
    packages = {**raw["packages"], **raw.get("peers", {})}
    named = ", ".join(f"{name} {number}" for name, number in packages.items() if number)
    return f"Python {raw['python']}, {named}; {raw['system']}, {raw['cores']} cores."


def record(name: str, topic: Topic, results: list[Result], raw: dict[str, Any]) -> None:
    """Keep the raw figures of a topic, and put its table into the documentation."""
    kept = {**raw, "topics": {name: raw["topics"][name]}}
    (_ROOT / "benchmarks/results" / f"{name}.json").write_text(json.dumps(kept, indent=1) + "\n")
    page = _ROOT / "docs/performance.md"
    begin, end = f"<!-- table: {name} -->", "<!-- end -->"
    before, _, rest = page.read_text().partition(begin)
    _, _, after = rest.partition(end)
    if not after:
        raise ValueError(f"{page} has no place for the table: {begin} … {end}")
    page.write_text(f"{before}{begin}\n{told(raw)}\n\n{table(topic, results)}\n{end}{after}")


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |".replace("|  |", "| |")


def _figure(spread: Spread | None, unit: Unit) -> str:
    if spread is None:
        return "–"
    value = spread.median
    if unit == "count":
        return f"{value:,.0f}"
    if unit == "bytes" and value < 1:
        return f"{value:,.0f} B"  # memory may also have been given back
    scales = (
        ((1e6, "MB"), (1e3, "kB"), (1, "B")) if unit == "bytes" else ((1, "s"), (1e-3, "ms"), (1e-6, "µs"))
    )
    scale, name = next((one for one in scales if value >= one[0]), scales[-1])
    return f"{_digits(value / scale)} {name}"


def _ratio(spread: Spread | None) -> str:
    if spread is None:
        return "–"
    return f"**{_digits(spread.median)}** ({_digits(spread.low)}–{_digits(spread.high)})"


def _beside(spread: Spread | None) -> str:
    return "" if spread is None else f" (**{_digits(spread.median)}**)"


def _digits(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}" if value >= 1 else f"{value:.2f}"


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
