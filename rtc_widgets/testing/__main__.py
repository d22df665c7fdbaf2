"""``python -m rtc_widgets.testing``: simulations for some minutes, or bad frames, guided by coverage."""

from __future__ import annotations

import argparse
import logging
import random
import sys
import time
from pathlib import Path

from rtc_widgets.testing.fuzz.guided import TARGETS, fuzz, keep
from rtc_widgets.testing.simulator import Failed, Soaked, soak


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit status: 1 where something does not hold."""
    parser = argparse.ArgumentParser(prog="python -m rtc_widgets.testing", description=__doc__)
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser(
        "soak",
        help="simulate people, a failing server and outside edits, and see that nothing is lost or doubled",
    )
    command.add_argument("--minutes", type=float, default=5.0, help="how long (default: 5)")
    command.add_argument("--count", type=int, help="how many simulations, instead of how long")
    command.add_argument("--seed", type=int, help="of the first simulation (default: a fresh one)")
    command.add_argument("--steps", type=int, default=200, help="of each simulation (default: 200)")
    command.set_defaults(run=_soak)
    command = commands.add_parser(
        "fuzz", help="feed what takes bytes from outside with anything, guided by coverage (the extra `fuzz`)"
    )
    command.add_argument("target", nargs="*", choices=[[], *TARGETS], help="which (default: all)")
    command.add_argument("--seconds", type=int, default=60, help="for each target (default: 60)")
    command.add_argument("--seed", type=int, default=0, help="of the dice (default: a fresh one)")
    command.add_argument(
        "--corpus", type=Path, default=Path("tests/corpus"), help="where it begins (default: tests/corpus)"
    )
    command.add_argument(
        "--work", type=Path, default=Path(".fuzz"), help="where what it finds is kept (default: .fuzz)"
    )
    command.add_argument(
        "--keep", action="store_true", help="add what reaches new code to the corpus, as little as does"
    )
    command.set_defaults(run=_fuzz)
    options = parser.parse_args(arguments)
    status: int = options.run(options)
    return status


def _fuzz(options: argparse.Namespace) -> int:
    for target in options.target or TARGETS:
        print(f"{target}, for {options.seconds} s.", flush=True)  # noqa: T201
        status = fuzz(target, options.seconds, options.corpus, options.work, seed=options.seed)
        if status:
            found = options.work / "found"
            print(f"Something does not hold: see above, and {found}.", file=sys.stderr)  # noqa: T201
            return 1
        if options.keep and keep(target, options.corpus, options.work):
            return 1
    return 0


def _soak(options: argparse.Namespace) -> int:
    seed = random.SystemRandom().randrange(10**6) if options.seed is None else options.seed
    end = time.monotonic() + 60 * options.minutes
    logging.getLogger("rtc_widgets").setLevel(
        logging.CRITICAL
    )  # that a file was changed outside is the point

    def more(soaked: Soaked) -> bool:
        count: int | None = options.count
        return soaked.seeds[1] < count if count is not None else time.monotonic() < end

    print(f"Seeds from {seed} on, {options.steps} steps each.", flush=True)  # noqa: T201
    try:
        print(soak(seed, more, steps=options.steps))  # noqa: T201
    except Failed as failed:
        print(failed, file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
