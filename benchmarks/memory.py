"""How much memory a notebook takes a cell, each time in a process of its own.

The CRDT lives in Rust, where tracemalloc sees nothing, and memory that is given back is not always given back to the
system. So a new process makes it, and says how much larger that has made the process.
"""

from __future__ import annotations

import gc
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from itertools import repeat
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]

from benchmarks.runner import Rounds, Size, Topic, Ways
from benchmarks.sample import BARE, LIVE, PLAIN, bare_doc, live, plain, state

TOPIC = Topic("Memory for each cell", (LIVE, BARE, PLAIN))

ROOT = Path(__file__).parents[1]


def opened(update: bytes, _cells: int) -> Any:
    nb = live(update)
    return nb, nb[0]


def read(update: bytes, cells: int) -> Any:
    nb = opened(update, cells)[0]
    return nb, len([cell.source for cell in nb])


def written(update: bytes, cells: int) -> Any:
    nb = read(update, cells)[0]
    nb[0].source += " "
    return nb


def transacted(update: bytes, cells: int) -> Any:
    nb = written(update, cells)
    with nb.transaction():
        nb[0].source += " "
    return nb


MAKERS: dict[str, Callable[[bytes, int], Any]] = {
    "opened": opened,
    "read": read,
    "written": written,
    "transacted": transacted,
    BARE: lambda update, _: bare_doc(update),
    PLAIN: lambda _, cells: plain(cells),
}


def held(maker: str, file: Path, cells: int) -> int:
    """Return by how many bytes a new process grows that makes it; the second time, so that all is loaded."""
    command = [sys.executable, "-m", "benchmarks.memory", maker, str(file), str(cells)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return int(ended.stdout)


def against(maker: str) -> Rounds:
    """Make rounds that compare *maker* to the others."""

    def rounds(size: Size) -> Iterator[Ways]:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "update")
            file.write_bytes(state(size.cells))
            ways = {LIVE: maker, BARE: BARE, PLAIN: PLAIN}
            yield from repeat(
                {
                    way: lambda made=made: held(made, file, size.cells) / size.cells
                    for way, made in ways.items()
                }
            )

    return rounds


for _name, _maker in (
    ("opened", "opened"),
    ("all sources read once", "read"),
    ("then written to, which starts undo", "written"),
    ("then a transaction", "transacted"),
):
    TOPIC.case(_name, unit="bytes", most=3)(against(_maker))


def main(maker: str, file: str, cells: str) -> None:
    """Print by how much this process grows."""
    update = Path(file).read_bytes()
    make = MAKERS[maker]
    make(state(10), 10)
    gc.collect()
    before = psutil.Process().memory_info().rss
    made = make(update, int(cells))
    gc.collect()
    print(psutil.Process().memory_info().rss - before)
    del made


if __name__ == "__main__":
    main(*sys.argv[1:])
