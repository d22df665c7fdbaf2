"""The command: ``python -m benchmarks [topic ...]`` measures and prints one table a topic."""

from __future__ import annotations

import argparse
import dataclasses
import gc
import importlib
import json
import pkgutil
import sys
import time
from pathlib import Path

import benchmarks
from benchmarks import report
from benchmarks.contenders import Peers
from benchmarks.runner import Effort, Size, Topic


def topics() -> dict[str, Topic]:
    """Return the topics by name: each module of this package that has a ``TOPIC``."""
    found = {}
    for info in pkgutil.iter_modules(benchmarks.__path__):
        if not info.name.startswith("_"):
            module = importlib.import_module(f"benchmarks.{info.name}")
            if isinstance(topic := getattr(module, "TOPIC", None), Topic):
                found[info.name] = topic
    return found


def main() -> None:
    """Measure what the command line asks for."""
    known = topics()
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=benchmarks.__doc__)
    parser.add_argument("topics", nargs="*", metavar="topic", help=f"of {', '.join(known)}; all by default")
    parser.add_argument("-k", metavar="WORD", default="", help="only cases with this in their name")
    parser.add_argument("--quick", action="store_true", help="once and small, to see that all works")
    parser.add_argument("--cells", type=int, help=f"of the notebook ({Size.cells})")
    parser.add_argument("--least", type=int, help=f"rounds at least ({Effort.least})")
    parser.add_argument("--most", type=int, help=f"rounds at most ({Effort.most})")
    parser.add_argument("--seconds", type=float, help=f"a case, if rounds allow ({Effort.seconds})")
    parser.add_argument(
        "--without-peers", action="store_true", help="install nothing, and measure only us and the floors"
    )
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="keep the raw figures there ('-' prints them)"
    )
    parser.add_argument(
        "--record",
        action="store_true",
        help="keep the raw figures in benchmarks/results/, and the tables in docs/performance.md",
    )
    asked = parser.parse_args()
    if asked.record and (asked.k or asked.quick or asked.without_peers):
        parser.error("only whole topics are recorded")
    size, effort = (Size.quick(), Effort(1, 1, 0)) if asked.quick else (Size(), Effort())
    size = dataclasses.replace(size, cells=asked.cells or size.cells)
    effort = Effort(
        effort.least if asked.least is None else asked.least,
        effort.most if asked.most is None else asked.most,
        effort.seconds if asked.seconds is None else asked.seconds,
    )
    if size.cells < 10 or effort.least < 1:
        parser.error("a notebook has at least 10 cells here, and a case a round")
    if unknown := set(asked.topics) - known.keys():
        parser.error(f"there is no topic {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    Peers.allowed = not asked.without_peers
    out = sys.stderr if str(asked.json) == "-" else sys.stdout
    raw = report.header(size, effort)
    gc.collect()
    gc.freeze()  # what the imports left is not to be looked at before each figure
    for name in asked.topics or known:
        began = time.perf_counter()
        print(name, file=sys.stderr, flush=True)
        results = known[name].measure(asked.k, size, effort)
        print(f"  {name} took {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
        print(f"\n### {known[name].title}\n\n{report.table(known[name], results)}", file=out, flush=True)
        raw["topics"][name] = [result.raw() for result in results]
        raw["peers"] = Peers.versions()
        if asked.record:
            report.record(name, known[name], results, raw)
    print(f"\n{report.told(raw)}", file=out)
    if asked.json is not None:
        text = json.dumps(raw, indent=1) + "\n"
        if out is sys.stderr:
            print(text, end="")
        else:
            asked.json.write_text(text)


if __name__ == "__main__":
    main()
