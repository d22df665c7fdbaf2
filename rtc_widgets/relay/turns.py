"""One after the other at a local file, also among servers: locks that leave nothing behind.

A server that writes a file takes a turn alone; those that read it take theirs together, and meet no half of a file. The
lock is the operating system's (``flock``) on the file itself, and goes with the process that has it. The contents
manager may put another file in the place of the one that is locked, so each lock is held against the path again. What
does not exist yet cannot be locked, so who makes a file anew has its folder alone, in which all others take part.

The locks are advisory: they hold among relays. Where there are none (a contents manager that keeps no files, a file
system without locks, Windows), and where another takes too long, the work goes on as it would without.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path

from jupyter_server.services.contents.fileio import path_to_intermediate

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

from rtc_widgets.logged import fields

__all__ = ["take_turn", "written_by_others"]

_PATIENCE = 10.0  # seconds that one waits for the others
_WRITING = 5.0  # seconds in which a server that takes no turns is believed to be writing
_FIRST, _LONGEST = 0.002, 0.05  # seconds between two tries

_log = logging.getLogger(__name__)


@asynccontextmanager
async def take_turn(path: Path | None, *, alone: bool, patience: float = _PATIENCE) -> AsyncIterator[None]:
    """Have the file at *path* for oneself, or among readers only, for as long as the context is open.

    Each try is made at once or not at all, so that the event loop never waits.

    Args:
        path: of the file, which need not exist; None where there is no local one.
        alone: whether it is to be written.
        patience: seconds after which to go on all the same.
    """
    with ExitStack() as held:
        if path is not None and fcntl is not None:
            held.enter_context(await _wait(path, alone=alone, patience=patience))
        yield


async def written_by_others(path: Path | None) -> None:
    """Wait while a server that takes no turns is writing the file at *path*.

    Whoever has jupyter_server read a notebook while another server writes it takes what is written away: jupyter_server
    finds half a notebook, believes the writer to be dead, and puts the copy that the writer had put beside the file in
    its place. While that copy is young, the writer lives.
    """
    if path is None:
        return
    copy = Path(path_to_intermediate(str(_target(path))))
    for _ in range(round(_WRITING / _LONGEST)):
        if not _is_young(copy):
            break
        await asyncio.sleep(_LONGEST)


async def _wait(path: Path, *, alone: bool, patience: float) -> ExitStack:
    end, pause = asyncio.get_running_loop().time() + patience, _FIRST
    while True:
        try:
            return _locked(path, alone=alone)
        except BlockingIOError:
            if asyncio.get_running_loop().time() > end:
                _log.warning(
                    "%s is being written by another server for more than %g s; this one goes on without waiting.",
                    path,
                    patience,
                    extra=fields("file.not-waited", file=str(path), seconds=patience),
                )
                return ExitStack()
        except OSError as error:
            # Not only where there are no locks: whatever is wrong with the file, who reads or writes it will say so.
            _log.debug(
                "%s cannot be locked: %s", path, error, extra=fields("file.not-locked", file=str(path))
            )
            return ExitStack()
        await asyncio.sleep(pause)
        pause = min(2 * pause, _LONGEST)


def _locked(path: Path, *, alone: bool) -> ExitStack:
    """Lock the file at *path*.

    Raises:
        BlockingIOError: somebody else has it, or has put another file in its place.
        OSError: it cannot be locked.
    """
    with ExitStack() as held:
        target = _target(path)
        file: int | None = None
        with contextlib.suppress(FileNotFoundError):
            file = _opened(held, target)
        with _unless_busy():  # network file systems lock no folders
            _lock(_opened(held, target.parent), alone=alone and file is None)
        if file is not None:
            try:
                _lock(file, alone=alone)
            except OSError as error:
                if error.errno != errno.EBADF:
                    raise
                # NFS locks for writing only what is open for writing.
                file = _opened(held, target, os.O_RDWR)
                _lock(file, alone=alone)
        there = target.stat() if target.exists() else None
        same = file is not None and there is not None and os.path.samestat(os.fstat(file), there)
        if not same and not (file is None and there is None):
            raise BlockingIOError(errno.EWOULDBLOCK, "another file has come into its place")
        return held.pop_all()


@contextmanager
def _unless_busy() -> Iterator[None]:
    """Go on without a lock where there is none to be had, other than because somebody has it."""
    try:
        yield
    except BlockingIOError:
        raise
    except OSError as error:
        _log.debug("A folder cannot be locked: %s", error, extra=fields("file.not-locked"))


def _opened(held: ExitStack, path: Path, flags: int = os.O_RDONLY) -> int:
    descriptor = os.open(path, flags | os.O_NONBLOCK)
    held.callback(os.close, descriptor)
    return descriptor


def _lock(descriptor: int, *, alone: bool) -> None:
    fcntl.flock(descriptor, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)


def _target(path: Path) -> Path:
    """Return the file behind a link, which is what jupyter_server writes."""
    return path.parent / path.readlink() if path.is_symlink() else path


def _is_young(path: Path) -> bool:
    try:
        return time.time() - path.stat().st_ctime < _WRITING
    except OSError:
        return False
