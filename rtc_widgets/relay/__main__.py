"""`jupyter rtc`: restore a file from the log of shared documents, or have the log forget what was deleted from it."""

from __future__ import annotations

import argparse
import asyncio
import logging
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rtc_widgets.errors import StoreError

if TYPE_CHECKING:
    from rtc_widgets.relay.purge import Purged
    from rtc_widgets.relay.restore import Restored

_ABOUT = "What is done with the logs of shared documents."
_RESTORE = """\
Write a file as the log of shared documents has it: one that was damaged, or deleted, while its server did not run. What
stands there is kept beside it. The server may be running."""
_RESTORE_EXAMPLE = """\
for example:
  jupyter rtc restore folder/notebook.ipynb --root-dir ~/work
  jupyter rtc restore folder/notebook.ipynb --output ~/notebook-from-the-log.ipynb
"""
_PURGE = """\
Forget the history of a file, also what was deleted from it, and keep what it holds: for a password that was pasted
and deleted again. Delete it from the document first, let the document be saved, and stop the server."""
_EXAMPLE = """\
for example:
  jupyter rtc purge folder/notebook.ipynb --root-dir ~/work
"""
# Exit status: it was done, but not to everything, for a log is damaged.
LEFT = 3


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit status: 1 where nothing was done, 3 where not all could be done."""
    parser = argparse.ArgumentParser(prog="jupyter rtc", description=_ABOUT)
    commands = parser.add_subparsers(title="commands", dest="command")
    restoring = commands.add_parser(
        "restore",
        help="write a file that was damaged or deleted as the log has it",
        description=_RESTORE,
        epilog=_RESTORE_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_place(restoring)
    restoring.add_argument("--output", help="a new file to write, in place of the one itself")
    purging = commands.add_parser(
        "purge",
        help="forget the history of a file, also what was deleted from it, and keep what it holds",
        description=_PURGE,
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_place(purging)
    purging.add_argument(
        "--damaged",
        action="store_true",
        help="also delete damaged logs that were set aside, with what they have of all files",
    )
    given = sys.argv[1:] if arguments is None else arguments
    options = parser.parse_args(given)
    if "path" not in options:
        parser.print_help()
        return 1
    try:
        # Only now: where a kernel is without a server, --help works, too.
        from rtc_widgets.relay.purge import purge  # noqa: PLC0415
        from rtc_widgets.relay.relay import default_store  # noqa: PLC0415
        from rtc_widgets.relay.restore import restore  # noqa: PLC0415
    except ModuleNotFoundError as error:
        print(f"Run this in the server's environment; this one has no {error.name}.", file=sys.stderr)  # noqa: T201
        return 1
    # That another server has the log, it advises servers about; here it is the error below, or does not matter.
    logging.getLogger("rtc_widgets.relay.claim").setLevel(logging.ERROR)
    log = (Path(options.log) if options.log else default_store(options.root_dir)).resolve()
    path = options.path.strip("/")
    try:
        if options.command == "restore":
            output = Path(options.output) if options.output else None
            return _tell_restored(asyncio.run(restore(log, Path(options.root_dir), path, output)))
        purged = asyncio.run(purge(log, path, damaged=options.damaged))
    except (StoreError, OSError) as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    _tell(options.path, purged)
    if not purged.left:
        return 0
    _warn(purged, shlex.join(["jupyter", "rtc", *given, "--damaged"]))
    return LEFT


def _add_place(command: argparse.ArgumentParser) -> None:
    command.add_argument("path", help="of the file, from the server's root folder on")
    command.add_argument(
        "--root-dir", default=".", help="the server's root folder (default: the current one)"
    )
    command.add_argument("--log", help="the server's RelayApp.store_path, where it has one")


def _tell_restored(restored: Restored) -> int:
    print(f"{restored.file} was written as the log has it.")  # noqa: T201
    if restored.kept is not None:
        print(f"What stood there is {restored.kept} now.")  # noqa: T201
    if not restored.partial:
        return 0
    print("WARNING: the log was damaged, too: what was typed last may be missing.", file=sys.stderr)  # noqa: T201
    return LEFT


def _tell(path: str, purged: Purged) -> None:
    entries = f"{purged.entries} {'entry' if purged.entries == 1 else 'entries'}"
    copies = f"{purged.copies} {'copy' if purged.copies == 1 else 'copies'}"
    and_copies = f", and {copies} of it" if purged.copies else ""
    verb = "is" if purged.entries == 1 and not purged.copies else "are"
    print(f"{path}: {entries} of its history{and_copies} {verb} gone.")  # noqa: T201


def _warn(purged: Purged, command: str) -> None:
    """Say loudly what still may have it: who purges a password must not believe that it is gone."""
    what = "log" if len(purged.left) == 1 else "logs"
    lines = [
        f"WARNING: what was typed may still be in {len(purged.left)} damaged {what}, set aside and not looked into:",
        *(f"  {file}" for file in purged.left),
        "To delete that too, with what is there of all files:",
        f"  {command}",
    ]
    print("\n".join(lines), file=sys.stderr)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
