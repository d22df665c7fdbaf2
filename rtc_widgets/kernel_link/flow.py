"""Carry one document's frames over channels that lose messages: numbers, merging, gaps, lost tails.

Sans-I/O: the time comes in with each call, messages go out, `due` says when to call again. A kernel and its
link each have one `Sender` and one `Receiver` for a document. docs/protocol.md, section 8.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from pycrdt import merge_updates

from rtc_widgets.errors import FrameError
from rtc_widgets.protocol import awareness, parts, peer, status, sync

__all__ = ["Message", "Receiver", "Sender"]

# Section 8: the first frame leaves at once, further ones this much later (seconds), coalesced.
PAUSE = 0.02
# "head, which a sender emits 50 ms after a burst of frames". The head itself may be lost with the burst: say
# it once more.
SETTLE = 0.05
SETTLE_AGAIN = 1.0
# "alone at most once in 200 ms".
STATUS = 0.2
# An answer to a resync may be lost too: ask again, ever more slowly.
ASK_AGAIN = 1.0
ASK_SLOWEST = 8.0
# Merging costs more than linearly: 74 µs for 100 updates, over a second for 20,000.
MERGE = 100
# Messages a pause, for frames that go in many parts: with `PAUSE` it holds a sender below 200 messages a
# second, for JupyterLab's server mutes a kernel's iopub above 1,000.
BURST = 4
_COALESCED = tuple(bytes([type_]) for type_ in (sync.TYPE, awareness.TYPE, status.TYPE))
_CHANGES = (bytes([sync.TYPE]), bytes([parts.TYPE]))
_STEP1 = sync.step1(b"")[:2]
# Stands in the queue for what was dropped there.
_GAP = None


@dataclass(frozen=True, slots=True)
class Message:
    """Hold what one ``frame`` or ``head`` message carries."""

    kind: Literal["frame", "head"]
    seq: int
    buffers: list[bytes] = field(default_factory=list)


class Sender:
    """Number, merge and pace what one side says about one document.

    Args:
        limit: bytes of one frame, above which it goes in parts, and of one message's frames.
        pause: seconds between two messages.
    """

    def __init__(self, limit: int = 2**20, *, pause: float = PAUSE) -> None:
        self.seq = 0
        # The number of the last message that held a change of the document, or a part of one.
        self.written = 0
        self._pause = pause
        self._writer = peer.FrameWriter(limit)
        self._frames: deque[bytes | None] = deque()
        self._updates: list[bytes] = []
        self._states: dict[int, awareness.State] = {}
        # Of the frame under way: the others are split when their turn comes.
        self._pieces: deque[bytes] = deque()
        # Bytes of the frames and the updates; the newest step 2 among the frames.
        self._size = 0
        self._answer: bytes | None = None
        self._status: int | None = None
        self._status_at = 0.0
        self._next_at = 0.0
        self._head_at: float | None = None
        self._heads = 0

    def put_update(self, update: bytes) -> None:
        """Queue a change of the document; it may be merged with its neighbours."""
        self._updates.append(update)
        self._size += len(update)
        if len(self._updates) == MERGE:
            self._merge()

    def put(self, frame: bytes) -> None:
        """Queue a frame.

        Updates are merged; of the awareness states of one client, and of acknowledgements, only the newest is
        sent, and acknowledgements go with other frames, or alone at most once in 200 ms.
        """
        value = peer.decode(frame) if frame[:1] in _COALESCED else None
        if isinstance(value, sync.Update):
            self.put_update(value.update)
        elif isinstance(value, awareness.Awareness):
            self._states |= {state.client: state for state in awareness.decode_states(value.update)}
        elif isinstance(value, status.Status):
            self._status = value.seq
        else:
            self._merge()
            self._queue(frame)
            if isinstance(value, sync.Step2):
                self._answer = frame

    @property
    def waiting(self) -> int:
        """Return the bytes of what `shed` would drop."""
        return self._size - len(self._answer or b"")

    @property
    def size(self) -> int:
        """Return the bytes of all that is not sent, the frame under way and an answer included."""
        return self._size + sum(map(len, self._pieces))

    def shed(self) -> None:
        """Drop what waits, and let a number pass without a message: the other side learns of it by the gap.

        Not the frame under way, for one that is dropped each time before its end would never arrive. Nor the newest
        step 2, which brings all that was dropped before it, and which the other side may have waited for; the gap is
        behind it, for a step 2 ends the asking.
        """
        if self.waiting:
            self._updates.clear()
            self._frames = deque((_GAP,) if self._answer is None else (self._answer, _GAP))
            self._size = len(self._answer or b"")

    @property
    def busy(self) -> bool:
        """Tell whether something waits to be sent; an acknowledgement can wait, and a head says nothing new."""
        return bool(self._frames or self._updates or self._states or self._pieces)

    def due(self) -> float | None:
        """Return when `take` has something to send, None for not at all."""
        times = []
        if self.busy:
            times.append(self._next_at)
        if self._status is not None:
            times.append(max(self._next_at, self._status_at))
        if self._head_at is not None:
            times.append(self._head_at)
        return min(times, default=None)

    def take(self, now: float, *, everything: bool = False, hurry: bool = False) -> list[Message]:
        """Return the messages to send now.

        Args:
            now: seconds, on any clock.
            everything: do not pace; for the last words before the channel closes.
            hurry: do not pace, but return no more than a burst.
        """
        paced = not (everything or hurry)
        due = self.due()
        if paced and (due is None or now < due):
            return []
        # An acknowledgement alone needs no head: nothing is lost with it.
        idle = not self.busy
        seq = self.seq
        messages: list[Message] = []
        while (everything or len(messages) < BURST) and not (paced and now < self._next_at):
            message = self._message(now)
            if message is None:
                break
            messages.append(message)
        if self.seq > seq:
            self._next_at = now + self._pause
            if not idle:
                self._head_at, self._heads = now + SETTLE, 2
        elif self._head_at is not None and now >= self._head_at:
            messages.append(Message("head", self.seq))
            self._heads -= 1
            self._head_at = now + SETTLE_AGAIN if self._heads else None
        return messages

    def unsent(self, now: float) -> None:
        """Tell that the channel took no message: the other side must learn of the gap from a later head."""
        self._head_at, self._heads = now + SETTLE_AGAIN, 2

    def _message(self, now: float) -> Message | None:
        """Return the next message, None where nothing is left for one."""
        buffers: list[bytes] = []
        size = 0
        while self._next_piece(now, begun=bool(buffers)):
            size += len(self._pieces[0])
            if buffers and size > self._writer.limit:
                break
            buffers.append(self._pieces.popleft())
        if not buffers:
            return None
        self.seq += 1
        if any(piece[:1] in _CHANGES and piece[:2] != _STEP1 for piece in buffers):
            self.written = self.seq
        return Message("frame", self.seq, buffers)

    def _next_piece(self, now: float, *, begun: bool) -> bool:
        """Have a piece ready, if there is one for this message; none from behind a gap for one that has begun."""
        if self._pieces:
            return True
        if not self._frames:
            self._collect(now, along=begun)
        while self._frames:
            if self._frames[0] is _GAP and begun:
                return False
            frame = self._frames.popleft()
            if frame is not None:
                self._size -= len(frame)
                if frame is self._answer:
                    self._answer = None
                self._pieces.extend(self._writer.split(frame))
                return True
            self.seq += 1
            if not self._frames:
                self._collect(now, along=False)
        return False

    def _queue(self, frame: bytes) -> None:
        self._frames.append(frame)
        self._size += len(frame)

    def _merge(self) -> None:
        if self._updates:
            self._size -= sum(map(len, self._updates))
            update = self._updates[0] if len(self._updates) == 1 else merge_updates(*self._updates)
            self._updates.clear()
            self._queue(sync.update(update))

    def _collect(self, now: float, *, along: bool) -> None:
        """Make frames of what is queued besides. Only a status waits for its own time, unless it goes *along*.

        It goes first: who hears that a cell was deleted is to know already what the others had before.
        """
        others = along or self._updates or self._states
        if self._status is not None and (others or now >= self._status_at):
            self._queue(status.encode(self._status))
            self._status, self._status_at = None, now + STATUS
        self._merge()
        if self._states:
            self._queue(awareness.encode(awareness.encode_states(self._states.values())))
            self._states.clear()


class Receiver:
    """Follow what the other side says about one document, and notice what is missing.

    Args:
        limit: the largest frame put together from parts, in bytes.
    """

    def __init__(self, limit: int = 2**28) -> None:
        self.seq = 0
        self.gaps = 0
        self._assembler = parts.Assembler(limit)
        self._torn = False
        self._ask_at: float | None = None
        self._wait = ASK_AGAIN

    def restart(self) -> None:
        """Expect the number 1 next: the other side begins anew, with a welcome."""
        self.seq = 0
        self._tear()
        self._ask_at, self._wait = None, ASK_AGAIN

    def message(self, seq: int, buffers: Iterable[bytes], now: float) -> list[bytes]:
        """Return the whole frames that a message brings.

        After a gap nothing is thrown away but the rest of a frame whose beginning was lost.

        Raises:
            FrameError: a frame is malformed.
            FrameTooLarge: the parts of a frame add up to more than the limit.
        """
        if seq > self.seq + 1:
            self._missing(now)
            self._tear()
        self.seq = max(self.seq, seq)
        frames = (self._whole(frame) for frame in buffers)
        return [frame for frame in frames if frame is not None]

    def head(self, seq: int, now: float) -> None:
        """Learn the number of the last message that the other side sent."""
        if seq > self.seq:
            self.seq = seq
            self._missing(now)
            self._tear()

    def due(self) -> float | None:
        """Return when to send a resync, None where nothing is missing."""
        return self._ask_at

    def ask(self, now: float) -> bool:
        """Tell whether to send a resync now."""
        if self._ask_at is None or now < self._ask_at:
            return False
        self._ask_at = now + self._wait
        self._wait = min(2 * self._wait, ASK_SLOWEST)
        return True

    def _missing(self, now: float) -> None:
        self.gaps += 1
        if self._ask_at is None:
            self._ask_at = now

    def _tear(self) -> None:
        self._assembler.reset()
        self._torn = True

    def _whole(self, frame: bytes) -> bytes | None:
        value = peer.decode(frame)
        whole: bytes | None = frame
        if isinstance(value, parts.Part):
            if self._torn and value.index:
                return None
            self._torn = False
            whole = self._assembler.receive(value)
            if whole is None:
                return None
            value = peer.decode(whole)
            if isinstance(value, parts.Part):
                raise FrameError("A part carries a part.")
        if isinstance(value, sync.Step2):
            # It was computed after everything that got lost was sent, so it brings all of that.
            self._ask_at, self._wait = None, ASK_AGAIN
        return whole
