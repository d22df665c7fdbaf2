"""``jupyter rtc purge PATH``: forget the history of a file, while its server does not run."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from rtc_widgets.errors import StoreError


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit status: 1 where nothing was done."""
    parser = argparse.ArgumentParser(prog="jupyter rtc", description=__doc__)
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser(
        "purge", help="forget the history of a file, also what was deleted from it, and keep what it holds"
    )
    command.add_argument("path", help="of the file, from the server's root folder on")
    command.add_argument(
        "--root-dir", default=".", help="the server's root folder (default: the current one)"
    )
    command.add_argument("--log", help="the server's RelayApp.store_path, where it has one")
    command.add_argument(
        "--damaged", action="store_true", help="also delete damaged logs that were set aside, of all files"
    )
    options = parser.parse_args(arguments)
    try:
        # Only now: where a kernel is without a server, --help works, too.
        from rtc_widgets.relay.purge import purge  # noqa: PLC0415
        from rtc_widgets.relay.relay import default_store  # noqa: PLC0415
    except ModuleNotFoundError as error:
        print(f"Run this in the server's environment; this one has no {error.name}.", file=sys.stderr)  # noqa: T201
        return 1
    log = Path(options.log) if options.log else default_store(options.root_dir)
    try:
        purged = asyncio.run(purge(log.resolve(), options.path.strip("/"), damaged=options.damaged))
    except StoreError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    copies = (
        f", and {purged.copies} {'copy' if purged.copies == 1 else 'copies'} of it" if purged.copies else ""
    )
    print(f"{options.path}: {purged.entries} entries of its history{copies} are gone.")  # noqa: T201
    for file in purged.left:
        print(f"Not looked into, and it may have what was typed before: {file}")  # noqa: T201
    if purged.left:
        print("Purge again with --damaged to delete these, with what they have of all files.")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
