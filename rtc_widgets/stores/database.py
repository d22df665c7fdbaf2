"""One SQLite file, and the one thread that works on it and commits whatever has queued up together.

A commit costs about as much as a hundred rows, so the thread takes all the jobs that wait, runs them in one
transaction and answers them after its commit. Nobody waits longer than for the commit that is under way.

The file is in WAL mode with ``synchronous=NORMAL``: what was committed survives the end of the process,
however sudden; a power failure may take the last seconds, but not the file. WAL needs shared memory, which
network file systems (Hub homes on NFS) do not have; on those it is a rollback journal with
``synchronous=FULL``, slower by the network's round trips. They are told by ``/proc/mounts``; elsewhere than
on Linux a path is taken to be local, and SQLite itself goes back to the journal where it gets no such memory.
A file that was in WAL mode elsewhere is then opened alone, once, to leave it.

When it is opened, the thread first looks whether the file is whole. A damaged one is set aside (``aside``), and what
can be read of it is put into a new one, before any job is done. One that somebody deletes meanwhile is written again
(``standing``), before the next job, and within a second.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import queue
import sqlite3
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from rtc_widgets.errors import StoreError
from rtc_widgets.logged import fields
from rtc_widgets.stores.aside import Damage, copy_tables, is_damage, set_aside
from rtc_widgets.stores.standing import Standing, write_again, write_log

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Sequence

__all__ = ["DamagedRow", "Database", "is_network"]

Item = TypeVar("Item")
Answer = TypeVar("Answer")

_log = logging.getLogger(__name__)

_MOST_JOBS = 10_000  # in one transaction
_BUSY_SECONDS = 10.0  # how long to wait for another process's lock
_LOOK_SECONDS = 1.0  # how often to look, at rest, whether the file is still there
_CHECKED = 256 * 2**20  # bytes; to read a larger file would keep the first documents waiting for seconds
# fmt: off
_NETWORK_TYPES = frozenset({
    "9p", "afs", "beegfs", "ceph", "cifs", "davfs", "gfs2", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs",
    "nfs4", "ocfs2", "orangefs", "pvfs2", "smb3", "smbfs", "virtiofs", "wekafs",
})
# fmt: on


class DamagedRow(sqlite3.DatabaseError):
    """Tell that a row is not as it was written."""

    sqlite_errorcode = sqlite3.SQLITE_CORRUPT


class _Job(NamedTuple):
    run: Callable[[sqlite3.Connection, Sequence[Any]], Sequence[Any]]
    item: Any
    loop: asyncio.AbstractEventLoop
    answer: asyncio.Future[Any]


class Database:
    """Work on one SQLite file from any event loop.

    Args:
        path: the file; it and its folder are made, for the owner's eyes only, where they do not exist.
        application: marks the file as ours (``application_id``).
        schema: what makes version 1, 2, ... of the tables out of the one before (``user_version``).
        what: a name for people: "the log of the shared documents".
        on_rollback: called in the thread when a transaction was undone, to drop what was remembered of it.
        check: looks, in the thread, for what SQLite's own check does not see, and returns what is wrong.
        salvage: copies what can be read of a damaged file (the first connection) into a new one (the second).
        hold: called in the thread before jobs and before the file is written again; raises StoreError where it is
            another process's now.

    Raises:
        StoreError: the file is not ours, newer than this release, or not accessible; it was left untouched.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        application: int,
        schema: Sequence[str],
        what: str,
        on_rollback: Callable[[], None] = lambda: None,
        check: Callable[[sqlite3.Connection], str | None] = lambda _: None,
        salvage: Callable[[sqlite3.Connection, sqlite3.Connection], None] = copy_tables,
        hold: Callable[[], None] = lambda: None,
    ) -> None:
        self.path = Path(path)
        self.damage: Damage | None = None
        """What was found when it was opened; known when the first call has returned."""
        self._what = what
        self._on_rollback = on_rollback
        self._check = check
        self._salvage = salvage
        self._hold = hold
        self._kind = application, schema
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._closing = threading.Lock()
        self._closed = False
        self._problem: Exception | None = None
        self._missed = ""
        self._connection = self._open(self.path)
        self._thread = threading.Thread(target=self._work, name=f"rtc_widgets {self.path.name}", daemon=True)
        self._thread.start()

    async def call(
        self, run: Callable[[sqlite3.Connection, Sequence[Item]], Sequence[Answer]], item: Item
    ) -> Answer:
        """Have *run* work on *item* in the thread, and return its answer after the commit.

        *run* is handed a list of items, because those of waiting calls that follow each other are done at
        once, and returns their answers in order. It may be called again with less where the transaction
        failed.

        Raises:
            StoreError: nothing was written; a later call may work again.
        """
        loop = asyncio.get_running_loop()
        job = _Job(run, item, loop, loop.create_future())
        with self._closing:
            if self._closed:
                raise StoreError(f"{self.path} is closed.")
            self._jobs.put(job)
        answer: Answer = await job.answer
        return answer

    async def aclose(self) -> None:
        """Do what was asked for before, and let go of the file."""
        with self._closing:
            if not self._closed:
                self._closed = True
                self._jobs.put(None)
        await asyncio.to_thread(self._thread.join)

    # --- opening

    def _open(self, path: Path) -> sqlite3.Connection | None:
        """Open the file; None where it is damaged, which the thread sees to."""
        connection = None
        try:
            connection = self._connected(path)
            self._prepare(connection)
            self._standing = Standing(path)
        except (sqlite3.Error, OSError) as error:
            if connection is not None:
                connection.close()
            if is_damage(error):
                self._problem = error
                return None
            raise self._error("opened", error) from error
        except StoreError:
            if connection is not None:
                connection.close()
            raise
        return connection

    def _connected(self, path: Path) -> sqlite3.Connection:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            path.touch(mode=0o600)
        is_new = not path.stat().st_size
        connection = sqlite3.connect(
            path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=64
        )
        if is_new:  # it can give back what is free in it
            connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
        return connection

    def _made(self, path: Path) -> sqlite3.Connection:
        """Return an empty file of this kind at *path*."""
        connection = self._connected(path)
        try:
            self._make_tables(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        application, schema = self._kind
        # Nothing is written before it is known that the file is ours.
        local = not is_network(self.path)
        try:
            mark = _pragma(connection, "application_id")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_CANTOPEN:
                raise
            # It may have been in WAL mode on another file system. Alone with it, one needs no shared memory.
            local = False
            connection.execute("PRAGMA locking_mode=EXCLUSIVE").fetchall()
            mark = _pragma(connection, "application_id")
        version = _pragma(connection, "user_version")
        tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if mark != application and (mark or version or tables):
            raise StoreError(
                f"{self.path} is a database of another program and was left untouched. "
                f"Configure another path for {self._what}."
            )
        if version > len(schema):
            raise StoreError(
                f"{self.path} was written by a newer release of rtc_widgets (version {version} "
                f"of its tables, this release knows {len(schema)}) and was left untouched. Upgrade rtc_widgets in the "
                f"server's environment, or configure another path for {self._what}."
            )
        mode = _pragma(connection, f"journal_mode={'WAL' if local else 'DELETE'}")
        connection.execute(f"PRAGMA synchronous={'NORMAL' if mode == 'wal' else 'FULL'}")
        connection.execute("PRAGMA locking_mode=NORMAL").fetchall()
        self._make_tables(connection)

    def _make_tables(self, connection: sqlite3.Connection) -> None:
        application, schema = self._kind
        if _pragma(connection, "user_version") == len(schema):
            return  # and nothing is written into a file that may be damaged
        connection.execute("BEGIN IMMEDIATE")
        try:
            for number in range(_pragma(connection, "user_version"), len(schema)):
                for statement in schema[number].split(";"):
                    connection.execute(statement)
            connection.execute(f"PRAGMA application_id={application}")
            connection.execute(f"PRAGMA user_version={len(schema)}")
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")

    def _error(self, done: str, error: Exception) -> StoreError:
        if isinstance(error, sqlite3.OperationalError) and "full" in str(error):
            cure = "Free some space; what was not saved is tried again."
        elif is_damage(error):
            cure = (
                "Restart the server: the damaged file is then set aside, and what can be read of it is put into a new "
                "one. What is open now is kept in memory and saved to the files."
            )
        else:
            cure = "Check that the server may write there, and that no other program locks it."
        return StoreError(f"{self.path}, {self._what}, could not be {done}: {error}. {cure}")

    # --- the thread

    def _work(self) -> None:
        try:
            self._look()
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait must hear of it
            _log.exception(
                "%s, %s, is damaged and could not be set aside",
                self.path,
                self._what,
                extra=fields("store.not-mended", file=str(self.path)),
            )
            self._refuse(self._error("mended", error))
            return
        closing = False
        while not closing:
            jobs, closing = self._wait()
            if jobs:
                self._do(jobs)
            else:
                self._stay_at_rest()
        self._stay_at_rest()
        if self._connection is not None:
            self._connection.close()

    def _look(self) -> None:
        """See whether the file is whole, and to it if it is not."""
        problem = None if self._problem is None else str(self._problem)
        suspect = self._suspect.exists()
        if self._connection is not None and (suspect or self.path.stat().st_size <= _CHECKED):
            problem = self._found(self._connection)
        if problem is not None:
            if self._connection is not None:
                self._connection.close()
                self._connection = None
            self._mend(problem)
        if suspect:
            self._suspect.unlink(missing_ok=True)

    def _found(self, connection: sqlite3.Connection) -> str | None:
        """Return what is wrong with the file."""
        try:
            said = str(_pragma(connection, "quick_check(1)"))
            return self._check(connection) if said == "ok" else said
        except sqlite3.Error as error:
            if is_damage(error):
                return str(error)
            _log.warning(
                "%s, %s, could not be looked at: %s",
                self.path,
                self._what,
                error,
                extra=fields("store.not-checked", file=str(self.path)),
            )
            return None

    def _mend(self, problem: str) -> None:
        self.damage = set_aside(self.path, problem, self._made, self._salvage)
        _log.error(
            "%s, %s, was damaged (%s). It was set aside as %s; what could be read of it is in a new one.",
            self.path,
            self._what,
            problem,
            self.damage.aside.name,
            extra=fields("store.damaged", file=str(self.damage.aside)),
        )
        self._problem = None
        self._connection = self._open(self.path)
        if self._connection is None:
            raise StoreError(f"{self.path} is damaged again: {self._problem}")

    def _stay(self) -> None:
        """Write the file again where somebody deleted it.

        Raises:
            StoreError: it could not be written, or is another's now. The connection goes on, with what it has.
        """
        try:
            self._hold()
            if self._connection is not None and self._standing.is_whole:
                return
            replaced, deleted = self._standing.is_replaced, self._standing.is_deleted
        except OSError as error:
            raise self._error("looked at", error) from error
        if self._connection is not None and replaced:
            raise StoreError(
                f"{self.path}, {self._what}, was replaced by another file while this server used it. Move that one "
                "away, and it is written there again; or restart the server, which then goes on with that one. What is "
                "open is kept in memory and saved to the files."
            )
        try:
            if self._connection is not None:
                if deleted:
                    write_again(self._connection, self.path)
                else:
                    write_log(self._connection)
                self._connection = None
            self._connection = self._open(self.path)
        except (sqlite3.Error, OSError) as error:
            raise self._error("written again", error) from error
        if self._connection is None:
            raise StoreError(f"{self.path} is damaged: {self._problem}")
        _log.warning(
            "%s, %s, was deleted while this server used it, and is written again. To begin anew, stop the server "
            "first.",
            self.path if deleted else f"{self.path}-wal",
            self._what,
            extra=fields("store.written-again", file=str(self.path)),
        )

    def _stay_at_rest(self) -> None:
        """Do so, and log once why not."""
        try:
            self._stay()
            self._missed = ""
        except StoreError as error:
            if str(error) != self._missed:
                self._missed = str(error)
                _log.error("%s", error, extra=fields("store.not-there", file=str(self.path)))

    def _refuse(self, error: StoreError) -> None:
        closing = False
        while not closing:
            jobs, closing = self._wait()
            _resolve(jobs, [error] * len(jobs))

    @property
    def _suspect(self) -> Path:
        """Return the file whose being there says that damage was met, so that the next to open looks at everything."""
        return self.path.with_name(self.path.name + ".suspect")

    def _wait(self) -> tuple[list[_Job], bool]:
        """Wait for a job and return it with all that queued up behind it, and whether it was the last.

        After a while without any, return none.
        """
        jobs: list[_Job] = []
        try:
            job = self._jobs.get(timeout=_LOOK_SECONDS)
        except queue.Empty:
            return jobs, False
        while job is not None:
            jobs.append(job)
            if len(jobs) == _MOST_JOBS:
                break
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                break
        return jobs, job is None

    def _do(self, jobs: list[_Job]) -> None:
        try:
            self._stay()
        except StoreError as error:
            _resolve(jobs, [error] * len(jobs))
            return
        try:
            answers: list[Any] = self._transaction(jobs)
        except StoreError as error:
            # One job may have spoilt it for all: each on its own, so that only those fail which must.
            answers = [error] if len(jobs) == 1 else [self._alone(job) for job in jobs]
        _resolve(jobs, answers)

    def _alone(self, job: _Job) -> Any:
        try:
            return self._transaction([job])[0]
        except StoreError as error:
            return error

    def _transaction(self, jobs: list[_Job]) -> list[Any]:
        connection = self._connection
        assert connection is not None
        try:
            connection.execute("BEGIN IMMEDIATE")
            answers: list[Any] = []
            for run, group in itertools.groupby(jobs, key=lambda job: job.run):
                answers.extend(run(connection, [job.item for job in group]))
            connection.execute("COMMIT")
        except Exception as error:
            self._roll_back()
            if is_damage(error):
                with contextlib.suppress(OSError):  # the next to open does not look, where the file is large
                    self._suspect.touch(mode=0o600)
            if isinstance(error, StoreError):
                raise
            raise self._error("written", error) from error
        return answers

    def _roll_back(self) -> None:
        try:
            # SQLite itself rolls back on some errors, a full disk among them.
            if self._connection is not None and self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except sqlite3.Error:
            _log.exception(
                "%s: a failed transaction could not be undone",
                self.path,
                extra=fields("store.not-undone", file=str(self.path)),
            )
        self._on_rollback()


def is_network(path: Path, mounts: str | None = None) -> bool:
    """Tell whether *path* is on a network file system, as far as ``/proc/mounts`` knows."""
    if mounts is None:
        try:
            mounts = Path("/proc/mounts").read_text(errors="surrogateescape")
        except OSError:
            return False
    path = path.resolve()
    length, kind = -1, ""
    for line in mounts.splitlines():
        _, mount_point, type_, *_ = line.split(" ")
        mount = Path(mount_point.encode().decode("unicode_escape"))  # a space is written \040
        if path.is_relative_to(mount) and len(mount.parts) >= length:
            length, kind = len(mount.parts), type_
    return kind in _NETWORK_TYPES or kind.startswith("fuse")


def _pragma(connection: sqlite3.Connection, pragma: str) -> Any:
    return connection.execute(f"PRAGMA {pragma}").fetchone()[0]


def _resolve(jobs: list[_Job], answers: list[Any]) -> None:
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], Any]]] = {}
    for job, answer in zip(jobs, answers, strict=True):
        by_loop.setdefault(job.loop, []).append((job.answer, answer))
    for loop, settled in by_loop.items():
        try:
            loop.call_soon_threadsafe(_settle, settled)
        except RuntimeError:  # the loop was closed while its jobs were under way; nobody is left to tell
            _log.debug(
                "%d answers came after their event loop was closed",
                len(settled),
                extra=fields("store.unheard", count=len(settled)),
            )


def _settle(settled: list[tuple[asyncio.Future[Any], Any]]) -> None:
    for future, answer in settled:
        if future.done():
            continue  # cancelled
        if isinstance(answer, Exception):
            future.set_exception(answer)
        else:
            future.set_result(answer)
