"""``python -m rtc_widgets.relay purge PATH``: forget the history of a file, while its server does not run."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from rtc_widgets.errors import StoreError
from rtc_widgets.relay.purge import purge
from rtc_widgets.relay.relay import default_store


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit status: 1 where nothing was done."""
    parser = argparse.ArgumentParser(prog="python -m rtc_widgets.relay", description=__doc__)
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser(
        "purge", help="forget the history of a file, also what was deleted from it, and keep what it holds"
    )
    command.add_argument("path", help="of the file, from the server's root folder on")
    command.add_argument(
        "--root-dir", default=".", help="the server's root folder (default: the current one)"
    )
    command.add_argument("--log", help="the server's RelayApp.store_path, where it has one")
    options = parser.parse_args(arguments)
    log = Path(options.log) if options.log else default_store(options.root_dir)
    try:
        purged = asyncio.run(purge(log.resolve(), options.path.strip("/")))
    except StoreError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    print(f"{options.path}: {purged.entries} entries of its history are gone.")  # noqa: T201
    for file in purged.left:
        print(f"Not looked into, and it has what was typed before: {file}")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
