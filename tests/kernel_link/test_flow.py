"""The numbers of a lossy channel: what a sender emits and when, and that any loss is made good."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycrdt import Doc, Text, merge_updates

from rtc_widgets.errors import FrameError
from rtc_widgets.kernel_link.flow import (
    ASK_AGAIN,
    BURST,
    MERGE,
    PAUSE,
    SETTLE,
    SETTLE_AGAIN,
    Receiver,
    Sender,
)
from rtc_widgets.protocol import awareness, event, peer, status, sync
from rtc_widgets.protocol.parts import FrameTooLarge


def frames_of(messages):
    return [frame for message in messages for frame in message.buffers]


def updates(count):
    """Return *count* changes that one client makes, and the text they make."""
    doc = Doc({"text": Text()})
    made = []
    subscription = doc.observe(lambda event: made.append(event.update))
    for number in range(count):
        doc["text"] += f"{number},"
    doc.unobserve(subscription)
    return made, str(doc["text"])


def text_of(frames):
    doc = Doc({"text": Text()})
    for frame in frames:
        doc.apply_update(peer.decode(frame).update)
    return str(doc["text"])


def test_the_first_change_leaves_at_once_and_the_next_ones_together_after_a_pause():
    sender = Sender()
    made, text = updates(3)
    sender.put_update(made[0])
    first = sender.take(10.0)
    assert [(message.kind, message.seq) for message in first] == [("frame", 1)]
    sender.put_update(made[1])
    sender.put_update(made[2])
    assert sender.due() == 10.0 + PAUSE
    assert sender.take(10.0 + PAUSE / 2) == []
    second = sender.take(10.0 + PAUSE)
    assert [message.seq for message in second] == [2] and len(second[0].buffers) == 1
    assert text_of(frames_of(first + second)) == text


def test_a_burst_is_merged_in_groups():
    sender = Sender()
    made, text = updates(3 * MERGE + 5)
    for update in made:
        sender.put_update(update)
    frames = frames_of(sender.take(1.0))
    assert len(frames) == 4
    assert text_of(frames) == text


def test_the_head_is_told_after_a_burst_once_more_and_then_never_again():
    sender = Sender()
    sender.put(event.encode("notice", {}))
    sender.take(1.0)
    assert sender.due() == 1.0 + SETTLE
    assert [(m.kind, m.seq) for m in sender.take(1.0 + SETTLE)] == [("head", 1)]
    assert [(m.kind, m.seq) for m in sender.take(1.0 + SETTLE + SETTLE_AGAIN)] == [("head", 1)]
    assert sender.due() is None


def test_frames_keep_their_order_around_changes():
    sender = Sender()
    made, _ = updates(2)
    sender.put_update(made[0])
    sender.put(sync.step1(b"\0"))
    sender.put_update(made[1])
    kinds = [type(peer.decode(frame)) for frame in frames_of(sender.take(1.0))]
    assert kinds == [sync.Update, sync.Step1, sync.Update]


def test_only_the_newest_awareness_state_of_a_client_is_sent():
    sender = Sender()
    for clock in range(5):
        states = [awareness.State(7, clock, f'{{"n":{clock}}}'), awareness.State(clock + 10, 0, "{}")]
        sender.put(awareness.encode(awareness.encode_states(states)))
    [frame] = frames_of(sender.take(1.0))
    states = {state.client: state for state in awareness.decode_states(peer.decode(frame).update)}
    assert states[7].value == {"n": 4} and len(states) == 6


def test_acknowledgements_alone_are_rare_and_need_no_head():
    sender = Sender()
    sender.put(status.encode(1))
    assert frames_of(sender.take(1.0)) == [status.encode(1)]
    assert sender.due() is None
    sender.put(status.encode(2))
    sender.put(status.encode(3))
    assert sender.due() == pytest.approx(1.2)
    assert sender.take(1.1) == []
    made, _ = updates(1)
    sender.put_update(made[0])
    assert frames_of(sender.take(1.1)) == [status.encode(3), sync.update(made[0])], (
        "with other frames they go along, first: a deletion is to meet who knows what is safe"
    )


def test_a_frame_over_the_limit_goes_in_parts_a_few_messages_a_pause():
    sender, receiver = Sender(1000), Receiver()
    frame = event.encode("notice", {"message": "x" * 50_000})
    sender.put(frame)
    now, whole, sizes = 1.0, [], []
    while sender.due() is not None and sender.due() <= now:
        messages = sender.take(now)
        sizes.append(len(messages))
        for message in messages:
            assert sum(map(len, message.buffers)) < 1100
            whole += receiver.message(message.seq, message.buffers, now)
        now += PAUSE
    assert whole == [frame]
    assert max(sizes) == BURST


def test_everything_leaves_when_the_channel_closes():
    sender = Sender(1000)
    sender.put(event.encode("notice", {"message": "x" * 50_000}))
    sender.take(1.0)
    assert len(sender.take(1.0, everything=True)) > BURST
    assert sender.take(1.0, everything=True) == []


def test_a_gap_asks_once_and_again_more_slowly_until_a_step_2_comes():
    receiver = Receiver()
    receiver.message(1, [sync.step1(b"\0")], 1.0)
    assert not receiver.ask(1.0)
    assert receiver.message(3, [sync.update(b"\0\0")], 1.0) == [sync.update(b"\0\0")], "what came is used"
    assert receiver.ask(1.0) and not receiver.ask(1.0)
    assert receiver.due() == 1.0 + ASK_AGAIN
    assert receiver.ask(2.0) and receiver.due() == 2.0 + 2 * ASK_AGAIN
    receiver.message(4, [sync.step2(b"\0\0")], 2.5)
    assert receiver.due() is None and receiver.gaps == 1


def test_a_lost_tail_shows_by_the_head():
    receiver = Receiver()
    receiver.message(1, [], 1.0)
    receiver.head(1, 1.0)
    assert receiver.due() is None
    receiver.head(2, 1.0)
    assert receiver.ask(1.0)


def test_a_frame_whose_beginning_was_lost_is_dropped_and_the_next_one_read():
    sender, receiver = Sender(100), Receiver()
    sender.put(event.encode("lost", {"x": "x" * 500}))
    sender.put(event.encode("read", {"x": "x" * 500}))
    messages = sender.take(1.0, everything=True)
    got = [frame for message in messages[1:] for frame in receiver.message(message.seq, message.buffers, 1.0)]
    assert [peer.decode(frame).name for frame in got] == ["read"]


def test_parts_are_limited_and_may_not_nest():
    sender, receiver = Sender(100), Receiver(limit=1000)
    sender.put(event.encode("large", {"x": "x" * 2000}))
    frames = frames_of(sender.take(1.0, everything=True))
    with pytest.raises(FrameTooLarge):
        receiver.message(1, frames, 1.0)
    with pytest.raises(FrameError):
        Receiver().message(1, [b"\x44\1\0\1\x44\1\0\1x"], 1.0)


def test_what_waits_is_counted_and_dropped_and_a_head_tells_it():
    sender, receiver = Sender(1000), Receiver()
    made, _ = updates(3)
    sender.put(event.encode("notice", {"message": "x" * 500}))
    assert sender.waiting == sender.size > 500
    for update in made:
        sender.put(sync.update(update))
    assert sender.waiting > 500 + sum(map(len, made)) - 1
    sender.shed()
    assert sender.waiting == sender.size == 0
    assert sender.take(1.0) == [], "there is nothing to send now"
    [head] = sender.take(sender.due())
    assert (head.kind, head.seq) == ("head", 1)
    receiver.head(head.seq, 2.0)
    assert receiver.ask(2.0)


def test_what_comes_after_something_was_dropped_shows_the_gap():
    sender, receiver = Sender(), Receiver()
    sender.put(event.encode("dropped", {}))
    sender.shed()
    sender.put(event.encode("next", {}))
    sender.shed()
    sender.put(event.encode("last", {}))
    [message] = sender.take(1.0)
    assert message.seq == 2 and len(message.buffers) == 1, "one gap, whatever is behind it"
    receiver.message(message.seq, message.buffers, 1.0)
    assert receiver.ask(1.0)


def test_nothing_is_dropped_where_nothing_waits():
    sender = Sender()
    sender.put(event.encode("x", {}))
    [first] = sender.take(1.0)
    sender.shed()
    sender.put(event.encode("y", {}))
    [second] = sender.take(2.0)
    assert (first.seq, second.seq) == (1, 2)


def test_a_frame_under_way_arrives_however_often_what_is_behind_it_is_dropped():
    sender, receiver = Sender(1000), Receiver()
    frame = event.encode("large", {"x": "x" * 50_000})
    sender.put(frame)
    now, whole = 1.0, []
    while not whole:
        for message in sender.take(now):
            whole += receiver.message(message.seq, message.buffers, now)
        sender.put(event.encode("behind", {"x": "x" * 50_000}))
        sender.shed()
        now += PAUSE
    assert whole == [frame]
    assert not receiver.ask(now), "what was dropped was behind it"
    assert sender.take(now) == []
    [head] = sender.take(sender.due())
    assert head.kind == "head" and head.seq > receiver.seq


def test_the_newest_answer_is_kept_and_the_gap_is_behind_it():
    sender, receiver = Sender(), Receiver()
    made, _ = updates(3)
    sender.put(sync.update(made[0]))
    sender.put(sync.step2(made[0]))
    assert sender.waiting == len(sync.update(made[0])), "the answer does not count"
    sender.put(sync.step2(merge_updates(*made[:2])))
    sender.put(sync.step1(b"\0"))
    sender.put(sync.update(made[2]))
    sender.shed()
    assert sender.waiting == 0 and sender.size > 0
    got = []
    for message in sender.take(1.0, everything=True) + sender.take(1.0 + SETTLE):
        if message.kind == "head":
            receiver.head(message.seq, 1.0)
        else:
            got += receiver.message(message.seq, message.buffers, 1.0)
    assert got == [sync.step2(merge_updates(*made[:2]))]
    assert receiver.ask(1.0), "and what was dropped is asked for"


def test_an_older_answer_counts():
    """A kernel that asks again and again, and does not read, is not answered again and again."""
    sender = Sender()
    for _ in range(3):
        sender.put(sync.step2(bytes(1000)))
    assert sender.waiting > 2000
    sender.shed()
    assert sender.waiting == 0 and 1000 < sender.size < 1010


def test_who_one_is_and_an_acknowledgement_are_not_dropped():
    sender = Sender()
    sender.put(awareness.encode(awareness.encode_states([awareness.State(1, 1, "{}")])))
    sender.put(status.encode(7))
    sender.put(event.encode("dropped", {}))
    sender.shed()
    [message] = sender.take(1.0)
    assert [type(peer.decode(frame)) for frame in message.buffers] == [status.Status, awareness.Awareness]
    assert message.seq == 2


def test_in_a_hurry_a_burst_comes_at_once_and_no_more():
    sender = Sender(1000)
    sender.put(event.encode("notice", {"message": "x" * 5_500}))
    assert [len(sender.take(1.0, hurry=True)) for _ in range(3)] == [BURST, 2, 0]


class End:
    """One end of a lossy line: a document, a sender and a receiver."""

    def __init__(self, client):
        self.doc = Doc({"text": Text()}, client_id=client)
        self.sender, self.receiver, self.other = Sender(60), Receiver(), None
        self.remote = False
        self.subscription = self.doc.observe(self._changed)

    def _changed(self, event):
        if not self.remote:
            self.sender.put_update(event.update)

    def type(self, text):
        self.doc["text"] += text

    def take(self, frame):
        match peer.decode(frame):
            case sync.Step1(vector):
                self.sender.put(sync.step2(self.doc.get_update(vector)))
            case sync.Step2(update) | sync.Update(update):
                self.remote = True
                self.doc.apply_update(update)
                self.remote = False

    def step(self, now, lose):
        for message in self.sender.take(now):
            if lose():
                continue
            if message.kind == "head":
                self.other.receiver.head(message.seq, now)
            else:
                for frame in self.other.receiver.message(message.seq, message.buffers, now):
                    self.other.take(frame)
        if self.receiver.ask(now) and not lose():
            self.other.take(sync.step1(self.doc.get_state()))
            self.other.sender.put(sync.step1(self.other.doc.get_state()))


@settings(max_examples=150, deadline=None)
@given(
    script=st.lists(st.tuples(st.integers(0, 1), st.integers(1, 80)), max_size=12),
    losses=st.lists(st.booleans(), max_size=60),
)
def test_two_ends_converge_whatever_is_lost(script, losses):
    ends = End(1), End(2)
    ends[0].other, ends[1].other = ends[1], ends[0]
    lost = iter(losses)
    now = 1.0
    for who, length in script:
        ends[who].type(str(who) * length)
        for end in ends:
            end.step(now, lambda: next(lost, False))
        now += 0.013
    for _ in range(3000):
        for end in ends:
            end.step(now, lambda: next(lost, False))
        now += 0.01
    # A head is said twice: a script that loses both with the tail is only made good by the next change.
    for end in ends:
        end.type("!")
    for _ in range(3000):
        for end in ends:
            end.step(now, lambda: False)
        now += 0.01
    assert str(ends[0].doc["text"]) == str(ends[1].doc["text"])
    assert len(str(ends[0].doc["text"])) == sum(length for _, length in script) + 2


@settings(max_examples=150, deadline=None)
@given(
    script=st.lists(
        st.one_of(
            st.tuples(st.integers(0, 1), st.integers(1, 200)),
            st.sampled_from(["hold", "read", "shed", "ask", "wait"]),
        ),
        max_size=40,
    )
)
def test_two_ends_converge_whatever_is_dropped_while_one_does_not_read(script):
    hub, kernel = End(1), End(2)
    hub.other, kernel.other = kernel, hub
    held = False
    now = 1.0

    def step():
        if not held:
            hub.step(now, lambda: False)
        kernel.step(now, lambda: False)

    for what in script:
        match what:
            case (who, length):
                (hub, kernel)[who].type(str(who) * length)
            case "hold" | "read":
                held = what == "hold"
            case "shed":
                hub.sender.shed()
            case "ask":
                hub.take(sync.step1(kernel.doc.get_state()))
                hub.sender.put(sync.step1(hub.doc.get_state()))
            case "wait":
                now += 1.0
        step()
        now += 0.013
    held = False
    # Nobody types any more: what was dropped last is told by a head.
    for _ in range(3000):
        step()
        now += 0.01
    assert str(hub.doc["text"]) == str(kernel.doc["text"])
    assert len(str(hub.doc["text"])) == sum(what[1] for what in script if not isinstance(what, str))
