"""``rtc_widgets.local()``: the live handle of a file on this machine, without any relay."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import stat
import threading
from concurrent.futures import Future
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, overload

from rtc_widgets.client.formats import Style, encode, parse
from rtc_widgets.client.localnotes import LocalNotes
from rtc_widgets.documents.datafile import LiveData, handle_of
from rtc_widgets.documents.document import LiveDocument
from rtc_widgets.documents.link import LinkState
from rtc_widgets.documents.merge import FILE, MergeResult, merge_notebook, merge_other, merge_text
from rtc_widgets.documents.mirror import from_mirror, put_in, take_out, to_mirror
from rtc_widgets.documents.notebook import Notebook
from rtc_widgets.documents.recovery import content as content_now
from rtc_widgets.documents.seed import seed
from rtc_widgets.documents.textfile import LiveText
from rtc_widgets.documents.wrapped import TEXT, writing
from rtc_widgets.errors import DocumentError, NotConnected
from rtc_widgets.ids import new_id

__all__ = ["LocalFile", "local"]

_EMPTY: dict[str, Any] = {
    "notebook": {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5},
    "blob": b"",
}
_NO_PLACE = (
    "Comments on {path} could not be kept: a file that is no notebook has no place for them. Open it on a server: "
    "rtc_widgets.connect(url, path=…)."
)
_CLOSED = "{path} is closed here. Open it again: rtc_widgets.local({path!r})."
_log = logging.getLogger(__name__)


@overload
def local(
    path: str | os.PathLike[str], *, type: Literal["notebook"] = "notebook", create: bool = False
) -> Notebook: ...
@overload
def local(path: str | os.PathLike[str], *, type: Literal["file"], create: bool = False) -> LiveText: ...
@overload
def local(
    path: str | os.PathLike[str], *, type: str | None, create: bool = False
) -> Notebook | LiveText | LiveData: ...


def local(
    path: str | os.PathLike[str],
    *,
    type: str | None = None,  # noqa: A002 (what the contents manager calls it)
    create: bool = False,
) -> Notebook | LiveText | LiveData:
    """Return the live handle of a file on this machine, without any server: for scripts, VS Code, Colab.

    What is written stays in memory until ``save()``. A ``with`` block saves at its end, unless an exception ends it.
    Where the file was changed outside meanwhile, ``save()`` brings both together, cell by cell; it never writes over
    a version that it has not read.

    Args:
        path: of the file.
        type: ``notebook``, ``file`` for any text, or another document type; by default a notebook where the path ends
            so, else text.
        create: whether to begin a new file where there is none; a notebook begins with one empty code cell, as any
            without cells does.

    Raises:
        FileNotFoundError: there is no such file.
        DocumentError: the file is not what its type says; it was not touched.

    >>> import tempfile, pathlib
    >>> file = pathlib.Path(tempfile.mkdtemp(), "notes.md")
    >>> with local(file, type="file", create=True) as notes:
    ...     notes.text = "# Zoë"
    >>> file.read_text()
    '# Zoë'
    """
    file = Path(path)
    chosen = type or ("notebook" if file.name.endswith(".ipynb") else "file")
    document = LiveDocument()
    link = LocalFile(file, chosen, document)
    link.load(create=create)
    document.link = link
    return handle_of(document, chosen)


class LocalFile:
    """Be a document's way to its file on this machine.

    Args:
        file: its path; a link is followed, so that the file itself is written.
        type_: a document type.
        document: empty.
    """

    def __init__(self, file: Path, type_: str, document: LiveDocument) -> None:
        self.state = LinkState.LIVE
        self.path = str(file)
        self._file = Path(os.path.realpath(file))
        self._type = type_
        self._document = document
        self._saving = threading.Lock()
        self._style = Style()
        self._base: Any = None
        self._known: bytes | None = None  # what the file held when it was last read or written
        self._notes = LocalNotes(document) if type_ == "notebook" else None
        self._mirror: dict[str, Any] | None = None  # the comments in it

    is_file = True  # nobody else is at the other end

    def load(self, *, create: bool) -> None:
        """Read the file."""
        try:
            self._known = self._file.read_bytes()
            content, self._style = parse(self.path, self._type, self._known)
            self._mirror = self._take_out(content)
        except FileNotFoundError:
            if not create:
                raise
            content = _EMPTY.get(self._type, "")
        seeded = seed(self._type, content)
        self._base = seeded.content if self._known is not None else None
        self._document.apply_remote(seeded.update, FILE)
        if self._notes is not None:
            self._notes.restore(from_mirror(self._mirror))

    def save(self) -> Future[Any]:
        """Write the file, here and now."""
        future: Future[Any] = Future()
        try:
            with self._saving:
                future.set_result(self._save())
        except Exception as error:  # noqa: BLE001 - it is raised where the future is waited for
            future.set_exception(error)
        return future

    def sync(self) -> Future[None]:
        """Have nothing to wait for: there is nobody else."""
        future: Future[None] = Future()
        future.set_result(None)
        return future

    def annotations(self) -> Future[LiveDocument]:
        """Return the replica of the annotations, which is here."""
        future: Future[LiveDocument] = Future()
        if self._notes is None:
            future.set_exception(NotConnected(_NO_PLACE.format(path=self.path)))
        else:
            future.set_result(self._notes.live)
        return future

    def ask(self, method: str, params: dict[str, Any]) -> Future[Any]:
        """Do what is asked of the annotations, here and now."""
        if self._notes is not None and self.state is not LinkState.CLOSED:
            return self._notes.ask(method, params)
        future: Future[Any] = Future()
        reason = _NO_PLACE if self._notes is None else _CLOSED
        future.set_exception(NotConnected(reason.format(path=self.path)))
        return future

    @property
    def server(self) -> str | None:
        """Return None: there is no server."""
        return None

    def close(self) -> Future[None]:
        """Save, and take no more writes."""
        future: Future[None] = Future()
        if self.state is LinkState.CLOSED:
            future.set_result(None)
            return future
        failed = self.save().exception()
        if failed is not None:
            future.set_exception(failed)
            return future
        return self.abandon()

    def abandon(self) -> Future[None]:
        """Take no more writes, and save nothing."""
        self.state = LinkState.CLOSED
        self._document.detach(_CLOSED.format(path=self.path))
        return self.sync()

    def _save(self) -> dict[str, Any]:
        if self.state is LinkState.CLOSED:
            raise DocumentError(_CLOSED.format(path=self.path))
        self._read_again()
        content = content_now(self._document, self._type, self._base)
        notes = self._notes
        stripped = notes is None or notes.stripped
        mirror = None if notes is None or stripped else to_mirror(notes.threads)
        # A damaged copy is written over with the next change, or when there is to be none.
        there = self._mirror if stripped else self._mirror or None
        if content != self._base or mirror != there or self._known is None:
            data = encode(self._type, put_in(content, mirror), self._style)
            _replace(self._file, data)
            self._known, self._base, self._mirror = data, content, mirror
        written = datetime.fromtimestamp(self._file.stat().st_mtime, UTC).isoformat()
        return {"hash": hashlib.sha256(self._known).hexdigest(), "last_modified": written}

    def _read_again(self) -> None:
        """Bring what was changed outside into the document."""
        try:
            found = self._file.read_bytes()
        except FileNotFoundError:
            self._known = None  # deleted outside: a save writes it again
            return
        if found == self._known:
            return
        theirs, style = parse(self.path, self._type, found)
        mirror = self._take_out(theirs)
        result = self._merge(theirs)
        if result.refused:
            raise DocumentError(
                f"{self.path} was changed outside, and was not written over: {result.refused} Save a copy under "
                "another name, or open it again."
            )
        if result.conflicts:
            _log.warning(
                "%s was changed outside in the same places (%s).", self.path, ", ".join(result.conflicts)
            )
        self._known, self._style, self._base = found, style, result.content
        self._take_in(mirror)

    def _take_out(self, content: Any) -> dict[str, Any] | None:
        return take_out(content) if self._type == "notebook" else None

    def _take_in(self, mirror: dict[str, Any] | None) -> None:
        """Bring what was said outside in, and take away what was taken away there."""
        if self._notes is not None:
            there = from_mirror(mirror)
            before = {thread.id for thread in from_mirror(self._mirror)}
            self._notes.forget(before - {thread.id for thread in there})
            self._notes.restore(there)
            self._mirror = mirror

    def _merge(self, theirs: Any) -> MergeResult:
        with writing(self._document, self._type, origin=FILE) as (replica, wrapper):
            if self._type == "notebook":
                return merge_notebook(replica.doc, self._base, theirs, FILE)
            if self._type in TEXT:
                return merge_text(replica.doc, self._base, theirs, FILE)
            return merge_other(wrapper, self._type, self._base, theirs, FILE)


def _replace(file: Path, data: bytes) -> None:
    """Write a file whole or not at all, with the rights that it had."""
    temporary = file.with_name(f".{file.name}.{new_id()[:8]}.tmp")
    try:
        # A new file gets the rights that `open` would give it.
        with temporary.open("xb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        with contextlib.suppress(FileNotFoundError):
            temporary.chmod(stat.S_IMODE(file.stat().st_mode))
        temporary.replace(file)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
