"""One server a log: the claim that a running server has on it."""

from __future__ import annotations

import contextlib
import logging
import os
import tempfile
import threading
from pathlib import Path
from typing import IO

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]
    import msvcrt

from rtc_widgets.errors import StoreError
from rtc_widgets.logged import fields

__all__ = ["Claim"]

_log = logging.getLogger(__name__)


class Claim:
    """Claim the log at *wanted*, or a temporary one where another server of the same folder has it.

    Two servers that append to one log would each write what the other does not have in memory, and the next load would
    find both: text twice. With logs of their own they meet in the file instead, where each merges what the other saved.

    Args:
        wanted: the path of the log.

    Raises:
        StoreError: there can be no log; the message says why, and the cure.
    """

    def __init__(self, wanted: Path) -> None:
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._holding = threading.Lock()
        self._lock: IO[bytes] | None = _opened(wanted)
        self.path = wanted
        """The log to use."""
        if not _locked(self._lock):
            self._lock.close()
            self._lock = None
            self._folder = tempfile.TemporaryDirectory(prefix="rtc_widgets-")
            self.path = Path(self._folder.name) / wanted.name
            _log.warning(
                "Another server holds %s, so the history of this one is kept until it stops only. "
                "Documents meet in their files. To keep it, give this server a RelayApp.store_path of its own.",
                wanted,
                extra=fields("store.taken", file=str(wanted)),
            )

    def hold(self) -> None:
        """Claim the log again where somebody deleted the file that says so; from any thread.

        Raises:
            StoreError: another server has claimed it since, or the file cannot be made.
            OSError: it cannot be looked at.
        """
        with self._holding:
            if self._lock is None or _is_there(self._lock):
                return
            lock = _opened(self.path)
            if not _locked(lock):
                lock.close()
                raise StoreError(
                    f"{lock.name} was deleted while this server used {self.path}, and another server has it since. "
                    "Stop one of the two. What is open is kept in memory and saved to the files."
                )
            self._lock.close()
            self._lock = lock

    def release(self) -> None:
        """Let another server have the log."""
        with self._holding:
            if self._lock is not None:
                self._lock.close()
                self._lock = None
        if self._folder is not None:
            # Windows does not remove a file that a dying thread still has open.
            with contextlib.suppress(OSError):
                self._folder.cleanup()


def _opened(log: Path) -> IO[bytes]:
    """Open the file whose lock is the claim on *log*; it stays open as long as the claim is.

    Raises:
        StoreError: there can be none.
    """
    try:
        log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return open(log.with_suffix(".lock"), "ab", opener=_private)
    except OSError as error:
        raise StoreError(
            f"{log}, the log of shared documents, could not be opened: {error}. Check that the server may write "
            "there, or configure another path (RelayApp.store_path)."
        ) from error


def _is_there(file: IO[bytes]) -> bool:
    """Tell whether an open file still has its name."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), os.stat(file.name))  # noqa: PTH116 - asked for with every commit
    except (FileNotFoundError, NotADirectoryError):
        return False


def _private(path: str, flags: int) -> int:
    """Open a file that is only ours where it is made, whatever the umask."""
    return os.open(path, flags, 0o600)


def _locked(file: IO[bytes]) -> bool:
    """Lock *file* for this process until it is closed or the process ends; tell whether that worked."""
    try:
        if os.name == "nt":
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        else:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
