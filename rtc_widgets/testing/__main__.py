"""``python -m rtc_widgets.testing soak``: simulations for some minutes, or one of them again."""

from __future__ import annotations

import argparse
import logging
import random
import sys
import time

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
    options = parser.parse_args(arguments)
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
