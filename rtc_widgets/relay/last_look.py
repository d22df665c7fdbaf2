"""The last look at a local file, in the very moment in which it is written over.

Between the look at a file and the contents manager's writing of it lies whatever the manager does: hooks, a signature,
a copy. An editor that saves in between takes no turn (``turns``), and would be written over. So the manager's
``atomic_writing``, which opens the file, is followed: the file is compared right before, the copy that jupyter_server
puts beside it right after, since that is what was written over, and in the end it must be our file that stands there.
Where something else is found the save breaks off, jupyter_server puts the copy back, and the save begins again.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from jupyter_server.services.contents.fileio import FileManagerMixin, path_to_intermediate, path_to_invalid
from tornado.web import HTTPError

__all__ = ["LastLook", "local_file"]

_log = logging.getLogger(__name__)

_look: ContextVar[LastLook | None] = ContextVar("_look", default=None)


def local_file(contents: Any, path: str) -> Path | None:
    """Return where the contents manager keeps the file at *path*, if it keeps files."""
    if not isinstance(contents, FileManagerMixin):
        return None
    try:
        return Path(contents._get_os_path(path.strip("/")))  # noqa: SLF001 - what its subclasses call, too
    except HTTPError:
        return None


class LastLook:
    """Know what stands in a file that is about to be written over.

    Args:
        contents: the contents manager that will write it.
        path: of the file.
    """

    def __init__(self, contents: Any, path: Path) -> None:
        self.overtaken = False
        """Whether something else was found."""
        self.written = False
        """Whether it was found only after the file had been written, in the place of what was written."""
        self.hash: str | None = None
        """Of what stands in the file, by the contents manager; None where it has no hashes, or there is no file."""
        self._contents = contents
        # jupyter_server follows one link, too.
        self._path = path.parent / path.readlink() if path.is_symlink() else path
        self._seen = _stat(self._path)

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Look at the file whenever it is opened for writing within the context, by this task."""
        follow(self._contents)
        token = _look.set(self)
        try:
            yield
        finally:
            _look.reset(token)

    def is_of(self, os_path: str) -> bool:
        """Tell whether *os_path* is the file that was looked at."""
        path = Path(os_path)
        return (path.parent / path.readlink() if path.is_symlink() else path) == self._path

    def before(self) -> os.stat_result | None:
        """Compare the file, and return what is known of the copy that an earlier save may have left beside it."""
        if self._changed(self._path, _stat(self._path)):
            self._break_off("It was changed")
        return _stat(self._copy)

    def opened(self, left: os.stat_result | None) -> None:
        """Compare the copy of what is written over now, if there is one."""
        copy = _stat(self._copy)
        if copy is None or (left is not None and _moment(copy) == _moment(left)):
            return  # no copy is made of a new file, nor where the folder or the configuration does not let it
        if self._seen is None or self._changed(self._copy, copy):
            self._break_off("It was changed")

    def closed(self, ours: os.stat_result) -> None:
        """Look whether what was written stands in its place."""
        there, aside = _stat(self._path), _stat(self._aside)
        if there is not None and any(os.path.samestat(there, stat) for stat in (ours, self._seen) if stat):
            return
        if aside is not None and os.path.samestat(aside, ours):
            # Another server has read it half-written, and took us for dead. It has all that was written by now.
            if there is None:
                with contextlib.suppress(FileNotFoundError):
                    self._aside.rename(self._path)
                return
            self._aside.unlink(missing_ok=True)
        if there is not None:
            self.written = True
            self._break_off("Another file was put in its place")

    @property
    def _copy(self) -> Path:
        return Path(path_to_intermediate(str(self._path)))

    @property
    def _aside(self) -> Path:
        return Path(path_to_invalid(str(self._path)))

    def _changed(self, path: Path, now: os.stat_result | None) -> bool:
        """Tell whether what stands at *path* is not what was seen; its bytes judge where its time is another one."""
        if now is None or self._seen is None:
            return now is not self._seen
        if (now.st_size, now.st_mtime_ns) == (self._seen.st_size, self._seen.st_mtime_ns):
            return False
        if self.hash is None:
            return True
        return hashlib.new(self._contents.hash_algorithm, path.read_bytes()).hexdigest() != self.hash

    def _break_off(self, reason: str) -> None:
        self.overtaken = True
        raise HTTPError(409, f"{reason} while it was being saved; the save begins again.")


def follow(contents: Any) -> None:
    """Have *contents* look once more at each file that it opens for writing, where somebody keeps a look."""
    if getattr(contents.atomic_writing, "looks", False):
        return
    write = contents.atomic_writing

    @contextmanager
    def atomic_writing(os_path: str, *args: Any, **options: Any) -> Iterator[Any]:
        look = _look.get()
        if look is None or not look.is_of(os_path):
            with write(os_path, *args, **options) as file:
                yield file
            return
        left, ours = look.before(), None
        with write(os_path, *args, **options) as file:
            look.opened(left)
            yield file
            # A manager of somebody's making may hand out what is no file of the system's.
            with contextlib.suppress(OSError, AttributeError):
                ours = os.fstat(file.fileno())
        if ours is not None:
            look.closed(ours)

    atomic_writing.looks = True  # type: ignore[attr-defined]
    contents.atomic_writing = atomic_writing


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:
        return None


def _moment(stat: os.stat_result) -> tuple[int, int]:
    return stat.st_ino, stat.st_ctime_ns
