"""Work in a process of its own that would keep the event loop waiting in a thread, for the CRDT holds the GIL.

Replaying a document of 10 MB has single calls of 0.1 s and more. A process costs a tenth of a second to start.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
from itertools import islice
from typing import IO, TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["call_apart", "serve"]

Item = TypeVar("Item")
Answer = TypeVar("Answer")

_CODE = f"from {__name__} import serve; serve()"
_AT_ONCE = 500  # items; to pack one lot is one call, which holds the GIL


def call_apart(function: Callable[..., list[Answer]], items: Iterable[Item], *arguments: Any) -> list[Answer]:
    """Return what *function* makes of a list of *items*; blocks, so call it in a thread.

    Args:
        function: of a module's; what it is given and returns can be pickled.
        items: go there in small lots, and so does what it returns, which is a list, too.
        arguments: further ones.

    Raises:
        OSError: there is no such process to be had, or it failed; then it may be called here.
    """
    command = [sys.executable, "-P", "-c", _CODE]
    # In a session of its own, so that Ctrl+C in the server's terminal does not end it before the server has it.
    with subprocess.Popen(  # noqa: S603 - our own code
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        with process.stdin as pipe:
            pickle.dump((function, arguments), pipe)
            _write(pipe, items)
        try:
            return list(_read(process.stdout))
        except EOFError as error:
            raise ChildProcessError("What was to be done in another process failed there.") from error


def serve() -> None:
    """Be the other process."""
    with contextlib.suppress(AttributeError, OSError):
        os.nice(10)  # who types goes first
    function, arguments = pickle.load(sys.stdin.buffer)  # noqa: S301 - our parent wrote it
    _write(sys.stdout.buffer, function(list(_read(sys.stdin.buffer)), *arguments))


def _write(pipe: IO[bytes], items: Iterable[Any]) -> None:
    rest = iter(items)
    while lot := list(islice(rest, _AT_ONCE)):
        pickle.dump(lot, pipe, pickle.HIGHEST_PROTOCOL)
    pickle.dump([], pipe)
    pipe.flush()


def _read(pipe: IO[bytes]) -> Iterator[Any]:
    while lot := pickle.load(pipe):  # noqa: S301 - our child, or parent, wrote it
        yield from lot
