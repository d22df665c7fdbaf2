"""One document in this kernel: its live replica, its people, and both directions of its traffic with the relay."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

from rtc_widgets.documents import crossings
from rtc_widgets.documents.datafile import handle_of
from rtc_widgets.documents.document import LiveDocument
from rtc_widgets.documents.link import LinkState
from rtc_widgets.documents.marks import ReadMarks
from rtc_widgets.documents.notebook import Notebook
from rtc_widgets.documents.unacknowledged import Unacknowledged
from rtc_widgets.documents.users import identity
from rtc_widgets.errors import ChannelClosed
from rtc_widgets.kernel.notes import LinkedNotes
from rtc_widgets.kernel_link.flow import Receiver, Sender
from rtc_widgets.origins import Origin
from rtc_widgets.presence import DocumentPresence
from rtc_widgets.protocol import awareness, event, peer, query_awareness, request, status, sync
from rtc_widgets.protocol.codes import CloseCode
from rtc_widgets.protocol.welcome import Welcome
from rtc_widgets.roles import Role

__all__ = ["LinkedDocument"]

_REMOTE = Origin("remote", detail="relay")
# A kernel is told from people by its colour, too: Jupyter's own orange.
_COLOR = "#f37726"


class LinkedDocument:
    """Hold one document that the relay gave this kernel.

    All methods run in the session's thread, so nothing here needs a lock; only those of `Link`, which the handle
    calls, run in any. It is the document's link: what is written goes to the relay, which has the file.

    Args:
        comm_id: names the document.
        welcome: what the relay said of it.
        primary: whether it is the notebook that the code runs in.
        wake: puts a call into the session's queue; from any thread.
        leave: tells the relay that this kernel leaves the document, and ends it.
        ask_notes: asks the relay for the document's annotations, unless they are here.
        type_: of the document, where the code asked for it by `rtc_widgets.open`; None for the kernel's notebooks.
    """

    def __init__(
        self,
        comm_id: str,
        welcome: Welcome,
        *,
        primary: bool,
        wake: Callable[[Callable[[], None]], None],
        leave: Callable[[LinkedDocument], None],
        ask_notes: Callable[[LinkedDocument], None],
        type_: str | None = None,
    ) -> None:
        self.comm_id = comm_id
        self.asked_for = type_ is not None
        self.type = type_ or "notebook"
        self.live = LiveDocument()
        self.live.link = self
        self.notebook = Notebook(self.live)
        self.handle = self.notebook if self.type == "notebook" else handle_of(self.live, self.type)
        self.presence = DocumentPresence(self.live)
        self.people = self.presence.people
        self.synced = threading.Event()
        self.receiver = Receiver(welcome.limits.message)
        self.sender = Sender(welcome.limits.frame)
        self.acknowledged = 0
        self._unacknowledged = Unacknowledged()
        self._told: deque[bytes] = deque()  # filled by the threads that write
        self._known = 0  # see `crossings.receive`; for the next update
        self.offline = False
        self.notes: LinkedNotes | None = None
        self._wake = wake
        self._leave = leave
        self._ask_notes = ask_notes
        self._ended: str | None = None
        self._cell: str | None = None  # that runs
        self._requests: dict[int, tuple[Future[Any], bytes]] = {}
        self._last_request = 0
        # Who waits for what was written, and the number of the message after which it is safe; None until
        # that has been sent.
        self._barriers: list[tuple[Future[None], int | None]] = []
        self._subscription = self.live.on_update(self._on_update)
        self._said = self.people.on_said(lambda: wake(self._introduce))
        self.meet(welcome, primary=primary)

    def meet(self, welcome: Welcome, *, primary: bool) -> None:
        """Take a welcome, the first or a later one; its message is the relay's first."""
        self.welcome = welcome
        self.path = welcome.path
        self.primary = primary
        self.offline = False
        self.role = welcome.role
        self.receiver.restart()
        self.live.part(ReadMarks).doubt()
        self.obey(welcome.role)
        self.again()

    def obey(self, role: Role) -> None:
        """Take writes from now on, or refuse them here: the relay would close the document."""
        self.role = role
        if role.may_write:
            self.live.attach()
        else:
            self.live.detach(CloseCode.READ_ONLY.sentence)

    def receive(self, seq: int, buffers: Sequence[bytes], now: float) -> None:
        """Take one numbered message of the relay's.

        Raises:
            ProtocolError: it does not parse.
        """
        for frame in self.receiver.message(seq, buffers, now):
            self.take(frame)

    def take(self, frame: bytes) -> None:
        """Take one whole frame of the relay's.

        Raises:
            ProtocolError: it does not parse.
        """
        value = peer.decode(frame)
        match value:
            case sync.Step1(vector):
                self.sender.put(sync.step2(self.live.diff_update(vector)))
            case sync.Step2(update):
                self._hear_of(update, _REMOTE)
                self.synced.set()
            case sync.Update(update):
                self._hear_of(update, self.presence.origin(update))
            case awareness.Awareness(update):
                self.presence.receive(update)
            case query_awareness.QueryAwareness():
                self._introduce()
            case status.Status(seq):
                self.acknowledged = max(self.acknowledged, seq)
                self._unacknowledged.acknowledge(seq)
                self._pass_barriers()
            case event.Event():
                self._on_event(value)
            case request.Response(id_, ok, result):
                self._answered(id_, ok=ok, result=result)
            case _:
                pass  # of a denial the close that follows says it all; the rest is of a later version

    def resync(self) -> bytes:
        """Return the frame that asks for what is missing here."""
        return sync.step1(self.live.state_vector())

    def again(self) -> None:
        """Say again what the relay may have lost, or a new one has never heard: all but the document itself."""
        self._barriers = [(future, None) for future, _ in self._barriers]
        self._unacknowledged.unsent()
        self._known = 0
        self.ask_again()
        if self.people.mine:
            self._introduce()

    def ask_again(self) -> None:
        """Ask again for what was not answered: the question may have been lost, or the answer."""
        for _, frame in self._requests.values():
            self.sender.put(frame)

    def greet(self) -> None:
        """Say who this is; after the relay has said who is here."""
        if self.people.mine:
            return
        people = {who.name for who in self.people.everybody().values() if who.kind == "person"}
        name = f"Kernel ({people.pop()})" if len(people) == 1 else "Kernel"
        self.people.say(kind="kernel", user=identity("kernel", name, _COLOR))

    def running(self, cell_id: str | None) -> None:
        """Note which cell runs, to be told along with what is sent anyway; that none does is told at once.

        Each message counts as activity of the kernel (docs/protocol.md, section 8), which has just been active
        when a cell has ended, and is not when nobody wrote anything.
        """
        self._cell = cell_id
        if cell_id is None and "cell" in self.people.mine:
            self.people.say(cell=None)

    def before_sending(self) -> None:
        """Add what goes along with what is sent anyway."""
        if self.sender.busy and self._cell != self.people.mine.get("cell") and self._cell in self.notebook:
            self.people.say(at_once=False, cell=self._cell)
            self._introduce()

    def after_sending(self) -> None:
        """Learn in which message it went, for those who wait until it is safe."""
        if self.sender.busy:
            return
        written = self.sender.written
        self._unacknowledged.sent(written, self._unacknowledged.waiting)
        if self._barriers:
            self._barriers = [(future, written if seq is None else seq) for future, seq in self._barriers]
            self._pass_barriers()

    def request(self, method: str, params: dict[str, Any]) -> Future[Any]:
        """Ask the relay for something; from any thread. The future raises `ChannelClosed` for a refusal."""
        future: Future[Any] = Future()

        def put() -> None:
            if self._refuse_ended(future):
                return
            self._last_request += 1
            frame = request.encode_request(self._last_request, method, params)
            self._requests[self._last_request] = (future, frame)
            self.sender.put(frame)

        self._wake(put)
        return future

    def end(self, reason: str) -> None:
        """Detach the replica: whoever uses it from now on is told *reason*."""
        self._ended = reason
        self._subscription.close()
        self._said.close()
        self.live.detach(reason)
        if self.notes is not None:
            self.notes.end(reason)
        waiting = [future for future, _ in [*self._requests.values(), *self._barriers]]
        self._requests.clear()
        self._barriers.clear()
        for future in waiting:
            self._refuse_ended(future)
        self.presence.forget()

    @property
    def lineage(self) -> str:
        """Tell documents apart that share no history; two replicas of one lineage are of one document."""
        return self.welcome.lineage

    # `Link`: called by the handle, in any thread

    @property
    def state(self) -> LinkState:
        """Tell how the document stands."""
        if self._ended is not None:
            return LinkState.CLOSED
        if not self.synced.is_set():
            return LinkState.CONNECTING
        return LinkState.OFFLINE if self.offline else LinkState.LIVE

    def sync(self) -> Future[None]:
        """Return a future that is done when the relay has logged all that was written here so far."""
        future: Future[None] = Future()

        def put() -> None:
            if not self._refuse_ended(future):
                self._barriers.append((future, None))

        self._wake(put)
        return future

    def save(self) -> Future[Any]:
        """Have the relay write the file, with all that was written here so far."""
        return _after(self.sync(), lambda: self.request("save", {}))

    def annotations(self) -> Future[LiveDocument]:
        """Return a future of the replica of the annotations, which is asked for at the first call."""
        if self.notes is None:
            self.notes = LinkedNotes()
        notes = self.notes
        if notes.arrived.done() and notes.arrived.exception() is not None:
            notes.arrived = Future()  # refused before; asked again
        if self._ended is not None:
            notes.end(self._ended)
        if not notes.arrived.done():
            self._wake(lambda: self._ask_notes(self))
        return notes.arrived

    def ask(self, method: str, params: dict[str, Any]) -> Future[Any]:
        """Ask for something of the annotations; asked again, the same, where the relay may not have heard it."""
        return self.request(method, params)

    @property
    def server(self) -> str | None:
        """Return None: what people call the server is not known in a kernel."""
        return None

    def close(self) -> Future[None]:
        """Leave the document, after what was written is safe."""

        def leave() -> Future[None]:
            left: Future[None] = Future()

            def put() -> None:
                self._leave(self)
                left.set_result(None)

            self._wake(put)
            return left

        return _after(self.sync(), leave)

    def abandon(self) -> Future[None]:
        """Leave after an error of the caller's; what was written stays written."""
        return self.close()

    # In the session's thread again

    def _on_event(self, told: event.Event) -> None:
        if told.name == "author":
            self.presence.author(told.params)
        elif told.name == "renamed":
            self.path = str(told.params.get("path", self.path))
        elif told.name == "known" and isinstance(told.params.get("seq"), int):
            self._known = told.params["seq"]
        elif told.name == "private":
            self.live.part(ReadMarks).know(told.params)
        elif told.name == "role" and told.params.get("role") in set(Role):
            self.obey(Role(told.params["role"]))

    def _hear_of(self, update: bytes, origin: Origin) -> None:
        """Take what others made, and write again what it deletes of what they did not have yet."""
        known, self._known = self._known, 0
        if self.type == "notebook":
            crossings.receive(
                self.live, self.type, update, origin, self._unacknowledged, self._take_told, known
            )
        else:
            self.live.apply_remote(update, origin)

    def _introduce(self) -> None:
        said = self.presence.introduce()
        if said is not None:
            self.sender.put(awareness.encode(said))

    def _refuse_ended(self, future: Future[Any]) -> bool:
        if self._ended is not None and not future.done():
            future.set_exception(ChannelClosed(CloseCode.GONE, self._ended))
        return self._ended is not None

    def _pass_barriers(self) -> None:
        passed = [future for future, seq in self._barriers if seq is not None and seq <= self.acknowledged]
        self._barriers = [one for one in self._barriers if one[0] not in passed]
        for future in passed:
            if not future.done():
                future.set_result(None)

    def _on_update(self, update: bytes, _origin: Origin) -> None:
        """Hand a change made here to the session's thread; the thread that made it waits for us."""
        self._told.append(update)
        self._wake(self._take_told)

    def _take_told(self) -> None:
        while self._told:
            update = self._told.popleft()
            if self.type == "notebook":
                self._unacknowledged.wrote(update)
            self.sender.put_update(update)

    def _answered(self, id_: int, *, ok: bool, result: Any) -> None:
        future, _ = self._requests.pop(id_, (None, b""))
        if future is None or future.done():
            return
        if ok:
            future.set_result(result)
        else:
            future.set_exception(ChannelClosed(str(result.get("code")), str(result.get("reason"))))


def _after(first: Future[None], then: Callable[[], Future[Any]]) -> Future[Any]:
    """Return what comes of *then*, which is called when *first* has succeeded."""
    result: Future[Any] = Future()

    def finish(done: Future[Any]) -> None:
        if result.done():
            return
        error = done.exception()
        if error is not None:
            result.set_exception(error)
        else:
            result.set_result(done.result())

    def proceed(done: Future[None]) -> None:
        if done.exception() is not None:
            finish(done)
        else:
            then().add_done_callback(finish)

    first.add_done_callback(proceed)
    return result
