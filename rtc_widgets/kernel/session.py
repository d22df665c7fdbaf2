"""The kernel's session with the relay: says hello, hears the downlink, publishes the uplink.

Everything that happens is a call in one queue, so no lock but a document's own is ever held: the control
thread, the thread that edits and the main thread only put something in. A worker runs the calls, in a thread of its
own wherever the kernel allows it. docs/protocol.md, section 8.
"""

from __future__ import annotations

import logging
import os
import posixpath
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

from rtc_widgets._version import __version__
from rtc_widgets.documents.datafile import LiveData
from rtc_widgets.documents.notebook import Notebook
from rtc_widgets.documents.textfile import LiveText
from rtc_widgets.errors import NotConnected, ProtocolError
from rtc_widgets.ids import new_id
from rtc_widgets.kernel.carrier import carrier_of
from rtc_widgets.kernel.hellos import Hellos
from rtc_widgets.kernel.linked import LinkedDocument
from rtc_widgets.kernel.notes import LinkedNotes
from rtc_widgets.kernel.openings import Openings
from rtc_widgets.kernel.shown import parent_of, shower
from rtc_widgets.kernel.worker import MainThreadWorker, ThreadWorker
from rtc_widgets.protocol import kernel as wire
from rtc_widgets.protocol import query_awareness
from rtc_widgets.protocol.codes import CloseCode
from rtc_widgets.protocol.version import VERSIONS
from rtc_widgets.protocol.welcome import Welcome

__all__ = ["KernelSession"]

# A relay that has welcomed us may take longer than `timeout` to send a large notebook, seconds.
SYNC_PATIENCE = 30.0
# How long the code's own cell may be missing in all notebooks: it was made just now, or its notebook has only
# been opened. After that the relay's `primary` counts; a console has cells that are in none. Seconds.
GRACE = 0.5
# Seconds that the last words may take when the kernel ends.
LAST_WORDS = 1.0

_NO_FILE = (
    "The relay has not given {path} within {timeout:g} s. Wait longer with timeout=…; if nothing comes, the server may "
    "have an older release of rtc_widgets: pip install -U rtc_widgets there."
)
NOT_YET = (
    "This kernel hears the server between cells only, and {what} has not arrived yet. It does when this cell, and "
    "those queued behind it, have ended: run this one again then."
)
_NO_NOTES = "This server does not give comments to kernels: pip install -U rtc_widgets there."
_FORKED = (
    "This process was forked from the notebook's kernel, and only the kernel itself is connected. Return "
    "what the process computed to the kernel, and edit the notebook there."
)


class KernelSession:
    """Connect this kernel to the relay; says hello when constructed.

    Args:
        kernel: the ipykernel kernel.

    Raises:
        NotConnected: the kernel has no channel that we could hear on.
    """

    def __init__(self, kernel: Any) -> None:
        self.id = new_id()
        self.refused: tuple[str, str] | None = None
        self._kernel = kernel
        self._log: Any = getattr(kernel, "log", None) or _terminal_log()
        self._documents: dict[str, LinkedDocument] = {}
        self._notes: dict[str, LinkedNotes] = {}
        self._changed = threading.Condition()
        self._ended: str | None = None
        self._closed = False
        self.hellos = Hellos()
        ours = carrier_of(kernel, self.id)
        self._worker = (ThreadWorker if ours.any_thread else MainThreadWorker)(self._tick, self._log)
        self._uplink = ours.uplink
        self._intercept = ours.hear(self._deliver)
        self._openings = Openings(self._uplink.publish)
        self._cell_id: str | None = self._kernels_cell()
        self._runner: str | None = self._kernels_client()
        self._callbacks: deque[Callable[[], None]] = deque()
        self._unshown: list[str] = []
        # Loaded by a profile, there is no cell that will end.
        self._depth = int(self._cell_id is not None)
        self.hello()
        self._worker.start()

    # For the main thread

    @property
    def hears_during_cells(self) -> bool:
        """Tell whether others' changes arrive while a cell runs."""
        return self._intercept.during_cells

    def deaf(self) -> bool:
        """Tell whether nothing can be heard before the caller returns, so that waiting is of no use."""
        return not self.hears_during_cells and threading.current_thread() is threading.main_thread()

    @property
    def paths(self) -> list[str]:
        """Return the paths of the notebooks that are connected."""
        return [document.path for document in list(self._documents.values())]

    def hello(self) -> None:
        """Say hello, again if need be, until the relay answers."""
        self._worker.put(self._begin_hello)

    def cell_started(self, _info: Any = None) -> None:
        """Note which cell runs now: later, in a thread, the kernel would name whichever ran last.

        Cells nest: a cell's code may run code as a cell (``%run``, `InteractiveShell.run_cell`).
        """
        self._depth += 1
        self._cell_id, self._runner = self._kernels_cell(), self._kernels_client()
        self._tell_cell()
        if self._relay_is_away():
            self.hello()  # the kernel is active anyway
        if not self.hears_during_cells:
            self._worker.put(self._intercept.ensure)
        while self._unshown:
            print(self._unshown.pop(0), file=sys.stderr)  # noqa: T201 - in the cell that begins

    def cell_finished(self, _result: Any = None) -> None:
        """Note that a cell has ended."""
        self._depth = max(0, self._depth - 1)
        if self._depth == 0:
            self._cell_id = None
            self._tell_cell()
            if not self.hears_during_cells:
                self._worker.put(self._say_all)
                self._call_back()

    def wait(self, path: str | None, timeout: float) -> Notebook | None:
        """Return the notebook that the code runs in, or the one at *path*; None if nobody answers in time.

        Raises:
            NotConnected: the session has ended, or the relay refuses; the message is the relay's own.
        """
        start = time.monotonic()
        asked = False
        self.refused = None
        with self._changed:
            while True:
                if self._ended is not None:
                    raise NotConnected(self._ended)
                found, sure = self._choose(path)
                if found is None:
                    self._raise_refusal()
                if not (sure or asked or self._shaking_hands()):
                    asked = True
                    self._worker.put(partial(self._ask, path))
                ready = found is not None and found.synced.is_set()
                if ready and sure:
                    break
                patience = GRACE if ready else timeout if found is None else SYNC_PATIENCE
                left = start + patience - time.monotonic()
                if left <= 0 or self.deaf():
                    break
                self._changed.wait(left)
        return found.notebook if found is not None and ready else None

    def knows(self, path: str) -> bool:
        """Tell whether *path* names a document that is open here, once the relay has answered."""
        return self._choose(path)[0] is not None

    def open(self, path: str, type_: str, timeout: float) -> Notebook | LiveText | LiveData:
        """Return the handle of another file; its path begins at this notebook's folder, or with a slash at the root.

        Raises:
            NotConnected: the session has ended, or nobody answers in *timeout* seconds.
            ChannelClosed: the relay refuses; the message is its own.
        """
        end = time.monotonic() + timeout
        own = self._answer(end)
        if own is None and self.refused is None and self.deaf():
            raise NotConnected(NOT_YET.format(what="its answer"))
        if own is None and self.refused is not None and self.refused[0] != CloseCode.NO_DOCUMENT:
            self._raise_refusal()  # but a console, which has no notebook, begins at the root folder
        if not path.startswith("/"):
            path = posixpath.join(posixpath.dirname(own.path) if own is not None else "", path)
        path = posixpath.normpath(path.lstrip("/"))
        found = next((d for d in list(self._documents.values()) if (d.path, d.type) == (path, type_)), None)
        if found is None:
            asked = self._openings.new(path, type_)
            self._worker.put(partial(self._openings.ask, asked))
            if self.deaf():
                raise NotConnected(NOT_YET.format(what=f"{path!r}"))
            try:
                found = asked.future.result(max(0.0, end - time.monotonic()))
            except TimeoutError:
                self._worker.put(partial(self._openings.drop, asked))
                raise NotConnected(_NO_FILE.format(path=path, timeout=timeout)) from None
        if not found.synced.wait(max(0.0, end - time.monotonic())):
            raise NotConnected(_NO_FILE.format(path=path, timeout=timeout))
        return found.handle

    @property
    def answered(self) -> bool:
        """Tell whether a relay has answered."""
        return bool(self._documents) or self.refused is not None

    def settle(self, timeout: float) -> None:
        """Wait until the relay has answered, with a notebook or a refusal."""
        self._answer(time.monotonic() + timeout)

    def _answer(self, end: float) -> LinkedDocument | None:
        """Wait for the relay's answer to the hello, and return the notebook that the code runs in, if any."""
        asked = False
        with self._changed:
            while True:
                if self._ended is not None:
                    raise NotConnected(self._ended)
                found, _ = self._choose(None)
                left = end - time.monotonic()
                if found is not None or self.refused is not None or left <= 0:
                    return found
                if not asked:
                    asked = True
                    self._worker.put(partial(self._ask, None))
                if self.deaf():
                    return None
                self._changed.wait(left)

    def close(self, code: CloseCode = CloseCode.NORMAL, reason: str | None = None) -> None:
        """Send what is left and a bye, give the channels back, and detach all documents. Idempotent."""
        if self._closed or self._ended is not None:
            return
        self._closed = True
        self._worker.end(partial(self._finish, code, reason or code.sentence), LAST_WORDS)
        self._intercept.remove()
        self._uplink.flush(LAST_WORDS)
        self._end(
            "This notebook handle belongs to a session that has ended. Call rtc_widgets.notebook() for a "
            "new one."
        )

    def forked(self) -> None:
        """Be dead in a forked child, which has neither our thread nor the right to the kernel's sockets."""
        self._changed = threading.Condition()
        self._worker.abandon()
        self._closed = True
        self._end(_FORKED)

    def _choose(self, path: str | None) -> tuple[LinkedDocument | None, bool]:
        """Return the document asked for, or the likeliest one, and whether it is surely the right one."""
        documents = list(self._documents.values())
        if path is None:
            documents = [document for document in documents if not document.asked_for]
        else:
            wanted = path.strip("/")
            documents = [document for document in documents if document.type == "notebook"]
            named = [document for document in documents if document.path == wanted]
            named += [document for document in documents if document.path.endswith(f"/{wanted}")]
            return (named[0], True) if named else (None, False)
        cell_id = self._cell_id
        for document in documents:
            if cell_id is not None and document.synced.is_set() and cell_id in document.notebook:
                return document, True
        for document in documents:
            if document.primary:
                return document, cell_id is None
        return (documents[0], False) if documents else (None, False)

    def _kernels_cell(self) -> str | None:
        parent = parent_of(self._kernel)
        cell_id = (parent.get("metadata") or {}).get("cellId")
        return cell_id if isinstance(cell_id, str) else None

    def _kernels_client(self) -> str | None:
        """Return the session id of the client, a browser tab for example, whose code runs."""
        parent = parent_of(self._kernel)
        session = (parent.get("header") or {}).get("session")
        return session if isinstance(session, str) else None

    def _raise_refusal(self) -> None:
        if self.refused is not None:
            code, reason = self.refused
            raise NotConnected(f"{reason} [{code}]")

    def _shaking_hands(self) -> bool:
        """Tell whether the relay has answered and its content is on the way."""
        return any(not document.synced.is_set() for document in list(self._documents.values()))

    def _relay_is_away(self, *, notebooks: bool = False) -> bool:
        """Tell whether a relay has welcomed this kernel and gone away since; to its own *notebooks*, or to anything."""
        documents = list(self._documents.values())
        return any(one.offline and not (notebooks and one.asked_for) for one in documents)

    def _tell_cell(self) -> None:
        for document in list(self._documents.values()):
            document.notebook.running_cell_id = self._cell_id
            document.people.runner = self._runner
            self._worker.put(partial(document.running, self._cell_id))

    def _end(self, reason: str) -> None:
        self._ended = reason
        self._openings.fail(reason)
        for document in list(self._documents.values()):
            document.end(reason)
        self._documents.clear()
        self._notes.clear()
        self._notify()

    def _notify(self) -> None:
        with self._changed:
            self._changed.notify_all()

    # For our own thread

    def _deliver(self, message: dict[str, Any]) -> None:
        """Take a downlink message; called in the control thread, or between cells on the main one."""
        self._worker.put(partial(self._on_message, message))
        if self.deaf():
            self._call_back()

    def _tick(self) -> float | None:
        """Do what is due, and return when something is due next."""
        now = time.monotonic()
        if self.hellos.at is not None and now >= self.hellos.at:
            self._worker.guarded(self._say_hello)
        due = [self.hellos.at]
        if not self.hellos.unanswered:  # a relay that does not know the session would only say bye
            self._worker.guarded(partial(self._openings.say, now))
            due.append(self._openings.due())
        for document in list(self._documents.values()):
            self._worker.guarded(partial(self._publish, document, now))
            due += [document.sender.due(), document.receiver.due()]
        for comm_id, notes in self._notes.items():
            if notes.receiver.ask(now):
                self._uplink.publish("resync", [notes.resync()], comm_id=comm_id)
            due.append(notes.receiver.due())
        return min((time for time in due if time is not None), default=None)

    def _say_all(self) -> None:
        """Send what waits for its time, and that this was all: nobody comes back later to do it."""
        for document in self._documents.values():
            waits = document.sender.due() is not None
            self._publish(document, time.monotonic(), everything=True)
            if waits:
                self._uplink.publish("head", comm_id=document.comm_id, seq=document.sender.seq)

    def _publish(self, document: LinkedDocument, now: float, *, everything: bool = False) -> None:
        document.before_sending()
        for message in document.sender.take(now, everything=everything or self._uplink.hasty(now)):
            self._uplink.publish(message.kind, message.buffers, comm_id=document.comm_id, seq=message.seq)
        document.after_sending()
        if document.receiver.ask(now):
            # What people say is not made good by a resync, nor are answers.
            document.sender.put(query_awareness.encode())
            document.ask_again()
            self._uplink.publish("resync", [document.resync()], comm_id=document.comm_id)

    def _ask(self, path: str | None) -> None:
        """Say hello, unless the answer has come between the asking and now."""
        _, sure = self._choose(path)
        if not (sure or self._shaking_hands()):
            self._begin_hello()

    def _begin_hello(self) -> None:
        self.hellos.begin(time.monotonic())

    def _say_hello(self) -> None:
        self._intercept.ensure()
        ipykernel = getattr(sys.modules.get("ipykernel"), "__version__", "unknown")
        hello = wire.Hello(
            session=self.id,
            versions=list(VERSIONS),
            release=__version__,
            implementation=f"{type(self._kernel).__name__} (ipykernel {ipykernel})",
            ways=[self._intercept.way],
            cell_id=self._cell_id,
            path=os.environ.get("JPY_SESSION_NAME"),
            lineages={
                comm_id: document.welcome.lineage
                for comm_id, document in self._documents.items()
                if not document.asked_for
            },
        )
        data = hello.to_data()
        self._uplink.publish("hello", **{key: data[key] for key in data if key not in {"kind", "session"}})
        self.hellos.said(time.monotonic(), missed=self._relay_is_away())

    def _on_message(self, message: dict[str, Any]) -> None:
        data = wire.parse(message["content"])
        if data is None or data["session"] != self.id:
            return
        buffers = [bytes(buffer) for buffer in message["buffers"]]
        match data["kind"]:
            case "welcome":
                self._on_welcome(data, buffers)
            case "refused":
                self._on_refused(data)
            case "bye":
                self._on_bye(data["code"], data["reason"])
            case _:
                comm_id = data.get("comm_id", "")
                document, notes = self._documents.get(comm_id), self._notes.get(comm_id)
                if document is not None:
                    self._on_document(data, document, buffers)
                elif notes is not None:
                    self._on_notes(data, notes, buffers)
        self._notify()

    def _on_welcome(self, data: dict[str, Any], buffers: list[bytes]) -> None:
        number = data.get("open")
        comm_id, welcome = data["comm_id"], Welcome.from_json(data["welcome"])
        if number is None:
            self.hellos.answered()
            self.refused = None
        elif not self._openings.waits_for(number):
            return  # given up meanwhile, or answered twice
        about = self._openings.about(number)
        if about is not None:
            self._meet_notes(about, comm_id, welcome, data, buffers)
            return
        if welcome.document != "content":
            return
        primary = bool(data.get("primary"))
        document = self._documents.get(comm_id)
        if document is not None and document.welcome.lineage != welcome.lineage:
            document.end(CloseCode.LINEAGE_MISMATCH.sentence)
            document = None
        if document is None:
            document = LinkedDocument(
                comm_id,
                welcome,
                primary=primary,
                wake=self._worker.put,
                leave=self._leave,
                ask_notes=self._ask_notes,
                type_=self._openings.type_of(number),
            )
            document.live.dispatcher = self._dispatch
            document.live.deaf = self.deaf
            document.live.show = shower(self._kernel, self._log, self._unshown.append)
            document.notebook.running_cell_id = self._cell_id
            document.people.runner = self._runner
            document.running(self._cell_id)
            self._documents[comm_id] = document
        else:
            document.meet(welcome, primary=primary)
            document.asked_for &= number is not None
        if primary:
            for other in self._documents.values():
                other.primary = other is document
        self._on_document(data | {"kind": "frame"}, document, buffers)
        document.greet()
        self._openings.welcomed(number, document)
        if document.notes is not None:
            self._ask_notes(document)

    def _on_refused(self, data: dict[str, Any]) -> None:
        code, reason, number = data["code"], data["reason"], data.get("open")
        about = self._openings.about(number)
        if about is not None and about.notes is not None:
            if code == CloseCode.LINEAGE_MISMATCH:
                about.notes.live.rebuild()
                about.notes.lineage = None
                self._ask_notes(about)
            else:
                about.notes.refuse(code, reason)
            return
        if number is not None:
            document = self._openings.refused(number, code, reason)
            if document is not None and self._documents.get(document.comm_id) is document:
                self._on_close(document, code, reason)
            return
        if code == CloseCode.NO_DOCUMENT and self._relay_is_away(notebooks=True):
            self.hellos.put_off(time.monotonic())
        else:
            self.hellos.answered()
        if code == CloseCode.LINEAGE_MISMATCH and self._documents:
            for document in list(self._documents.values()):
                self._on_close(document, code, reason)
            return
        self.refused = (code, reason)

    def _on_document(self, data: dict[str, Any], document: LinkedDocument, buffers: list[bytes]) -> None:
        now = time.monotonic()
        if not document.asked_for:
            self.hellos.answered()
        try:
            match data["kind"]:
                case "frame":
                    document.receive(data["seq"], buffers, now)
                case "head":
                    document.receiver.head(data["seq"], now)
                case "resync":
                    for frame in buffers:
                        document.take(frame)
                    document.sender.put(document.resync())
                    document.again()
                case "close":
                    self._on_close(document, data["code"], data["reason"])
        except ProtocolError as error:
            self._log.error("rtc_widgets closed %s: %s", document.path, error)
            code = CloseCode.BAD_FRAME
            self._uplink.publish("close", comm_id=document.comm_id, code=str(code), reason=str(error))
            self._on_close(document, str(code), code.sentence)

    def _meet_notes(
        self,
        document: LinkedDocument,
        comm_id: str,
        welcome: Welcome,
        data: dict[str, Any],
        buffers: list[bytes],
    ) -> None:
        notes = document.notes
        if notes is None:
            return
        if welcome.document != "annotations":
            notes.refuse(CloseCode.VERSION_MISMATCH, _NO_NOTES)
            return
        notes.meet(comm_id, welcome)
        self._notes[comm_id] = notes
        self._on_notes(data | {"kind": "frame"}, notes, buffers)

    def _on_notes(self, data: dict[str, Any], notes: LinkedNotes, buffers: list[bytes]) -> None:
        now = time.monotonic()
        try:
            match data["kind"]:
                case "frame":
                    notes.receive(data["seq"], buffers, now)
                case "head":
                    notes.receiver.head(data["seq"], now)
                case "close":
                    del self._notes[data["comm_id"]]
                    notes.refuse(data["code"], data["reason"])
        except ProtocolError as error:
            self._log.error("rtc_widgets closed comments: %s", error)
            self._leave_notes(notes)
            notes.refuse(CloseCode.BAD_FRAME, CloseCode.BAD_FRAME.sentence)

    def _ask_notes(self, document: LinkedDocument) -> None:
        """Ask for a document's annotations, unless they are here."""
        notes = document.notes
        if notes is not None and notes.comm_id is None and self._documents.get(document.comm_id) is document:
            self._openings.ask_about(document, notes.lineage)

    def _leave_notes(self, notes: LinkedNotes | None) -> None:
        """Tell the relay that nobody listens to a document's annotations any more."""
        if notes is not None and notes.comm_id is not None:
            code = CloseCode.NORMAL
            self._uplink.publish("close", comm_id=notes.comm_id, code=str(code), reason=code.sentence)
            self._notes.pop(notes.comm_id, None)
            notes.away()

    def _on_close(self, document: LinkedDocument, code: str, reason: str) -> None:
        del self._documents[document.comm_id]
        self._openings.forget(document)
        self._leave_notes(document.notes)
        document.end(f"{reason} [{code}] Call rtc_widgets.notebook() to connect again.")
        if code == CloseCode.LINEAGE_MISMATCH and not document.asked_for:
            self._begin_hello()

    def _on_bye(self, code: str, reason: str) -> None:
        if code == CloseCode.GOING_AWAY:
            # The replicas stay: if the relay comes back with the same lineage, both sides bring what the
            # other lacks.
            self._notes.clear()
            for document in self._documents.values():
                document.offline = True
                self._openings.forget(document)
                if document.notes is not None:
                    document.notes.away()
                document.presence.forget()
                if document.asked_for:
                    self._openings.again(document)
            self._begin_hello()
            return
        for document in list(self._documents.values()):
            self._on_close(document, code, reason)
        self.refused = (code, reason)

    def _leave(self, document: LinkedDocument) -> None:
        """End one document, because its handle was closed."""
        if self._documents.get(document.comm_id) is document:
            code = CloseCode.NORMAL
            self._publish(document, time.monotonic(), everything=True)
            self._openings.forget(document)
            self._leave_notes(document.notes)
            self._uplink.publish("close", comm_id=document.comm_id, code=str(code), reason=code.sentence)
            del self._documents[document.comm_id]
        document.end("This handle was closed. Call rtc_widgets.notebook() or open() for a new one.")

    def _finish(self, code: CloseCode, reason: str) -> None:
        now = time.monotonic()
        for document in self._documents.values():
            self._publish(document, now, everything=True)
        self._uplink.publish("bye", code=str(code), reason=reason)

    def _dispatch(self, callback: Callable[[], None]) -> None:
        """Run a person's callback on the main loop: plotting and widgets belong to the main thread."""
        loop = getattr(self._kernel, "io_loop", None)
        if loop is None:
            self._callbacks.append(callback)  # until the cell has ended, or the message was taken
        else:
            loop.add_callback(callback)

    def _call_back(self) -> None:
        """Run callbacks where the kernel has no loop to do it; outside the worker, so that they can be interrupted."""
        while self._callbacks:
            self._callbacks.popleft()()


def _terminal_log() -> logging.Logger:
    """Return a log for the server's terminal, as ipykernel's own; `logging`'s last resort would write into a cell."""
    log = logging.getLogger(__name__)
    if not log.handlers:
        log.addHandler(logging.StreamHandler(sys.__stderr__))
        log.propagate = False
    return log
