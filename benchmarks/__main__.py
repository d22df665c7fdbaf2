"""The command: ``python -m benchmarks [topic ...]`` measures and prints one table a topic."""

from __future__ import annotations

import argparse
import gc
import importlib
import json
import pkgutil
import sys
from pathlib import Path

import benchmarks
from benchmarks import report
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
    parser.add_argument("--cells", type=int, default=Size.cells, help="of the notebook (%(default)s)")
    parser.add_argument("--least", type=int, default=Effort.least, help="rounds at least (%(default)s)")
    parser.add_argument("--most", type=int, default=Effort.most, help="rounds at most (%(default)s)")
    parser.add_argument(
        "--seconds", type=float, default=Effort.seconds, help="a case, if rounds allow (%(default)s)"
    )
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="keep the raw figures there ('-' prints them)"
    )
    asked = parser.parse_args()
    if asked.cells < 10 or asked.least < 1:
        parser.error("a notebook has at least 10 cells here, and a case a round")
    if unknown := set(asked.topics) - known.keys():
        parser.error(f"there is no topic {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    size = Size(asked.cells)
    effort = Effort(asked.least, asked.most, asked.seconds)
    out = sys.stderr if str(asked.json) == "-" else sys.stdout
    raw = report.header(size, effort)
    gc.collect()
    gc.freeze()  # what the imports left is not to be looked at before each figure
    for name in asked.topics or known:
        print(name, file=sys.stderr, flush=True)
        results = known[name].measure(asked.k, size, effort)
        print(report.table(known[name], results), file=out, flush=True)
        raw["topics"][name] = [result.raw() for result in results]
    if asked.json is not None:
        text = json.dumps(raw, indent=1) + "\n"
        if out is sys.stderr:
            print(text, end="")
        else:
            asked.json.write_text(text)


if __name__ == "__main__":
    main()
