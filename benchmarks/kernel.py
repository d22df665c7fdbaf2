"""The notebook's kernel and its tabs: how soon each hears the other, while a cell runs and while none does.

No other server of the table brings the kernel into the room. The floor is a comm of ipykernel over bare ZMQ, without a
server between: it hears nothing before the cell ends.
"""

from __future__ import annotations

import ast
import asyncio
import json
import statistics
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from itertools import repeat
from pathlib import Path
from typing import Any

import zmq
from jupyter_client.blocking import BlockingKernelClient
from pycrdt import Array, Doc, Text

from benchmarks.client import Client
from benchmarks.contenders import LIVE, Server, start
from benchmarks.runner import Rounds, Size, Topic, Unit, Ways
from benchmarks.sample import content

BARE = "comm, bare ZMQ"
_PATH = "kernel.ipynb"
_STATES = ("idle", "sleeping", "computing", "printing")
_RATE = 20

_SETUP = """
%load_ext rtc_widgets
import time
import rtc_widgets
from ipykernel.comm import Comm
from comm import get_comm_manager

nb = rtc_widgets.notebook()
changes, numbers, sent = [], [], []
apply = nb.document.apply_remote

def apply_and_note(update, origin):
    apply(update, origin)
    changes.append((time.perf_counter(), update.hex()))

nb.document.apply_remote = apply_and_note

def opened(comm, message):
    comm.on_msg(lambda message: numbers.append((time.perf_counter(), message["content"]["data"]["number"])))

get_comm_manager().register_target("benchmark", opened)
away = Comm(target_name="nobody", comm_id="away")

def work(state, seconds):
    end = time.perf_counter() + seconds
    while (left := end - time.perf_counter()) > 0:
        if state == "computing":
            sum(i * i for i in range(1000))
        elif state == "printing":
            print("." * 40, flush=True)
        else:
            time.sleep(left)

def type_here():
    sent.append(time.perf_counter())
    nb[0].text.append("x")

def send_away():
    sent.append(time.perf_counter())
    away.send({"number": len(sent)})
"""


class Kernel:
    """Be a kernel with a notebook, and run cells in it as a frontend without a browser does."""

    def __init__(self, server: Server) -> None:
        body = {"path": _PATH, "name": _PATH, "type": "notebook", "kernel": {"name": "python3"}}
        self.id = server.api("/api/sessions", "POST", body)["kernel"]["id"]
        file = server.root.parent / "runtime" / f"kernel-{self.id}.json"
        self._client = BlockingKernelClient(connection_file=str(file))
        self._client.load_connection_file()
        self._client.hb_channel.time_to_dead = (
            60.0  # a machine with much to do takes longer to start it than a second
        )
        self._client.start_channels()
        self._client.wait_for_ready(timeout=60)
        self._ports = json.loads(file.read_text())
        self.run(_SETUP)

    def run(self, code: str, out: str = "None") -> Any:
        """Run a cell and return the value of the expression *out* after it."""
        answer = self._client.execute_interactive(
            code, timeout=120, user_expressions={"out": out}, output_hook=lambda _: None
        )
        told = answer["content"]
        if told["status"] != "ok":
            raise RuntimeError("\n".join(told.get("traceback", [told["status"]])))
        return ast.literal_eval(told["user_expressions"]["out"]["data"]["text/plain"])

    def send(self, kind: str, more: dict[str, Any]) -> None:
        """Send a comm message on the shell channel."""
        message = self._client.session.msg(kind, {"comm_id": "benchmark", **more})
        self._client.shell_channel.send(message)

    @contextmanager
    def listening(self) -> Iterator[list[tuple[float, int]]]:
        """Note when what ``send_away`` sends arrives."""
        arrived: list[tuple[float, int]] = []
        socket = zmq.Context.instance().socket(zmq.SUB)
        socket.set(zmq.RCVHWM, 0)
        socket.connect(f"tcp://127.0.0.1:{self._ports['iopub_port']}")
        socket.subscribe(b"comm-away")
        over = threading.Event()

        def receive() -> None:
            while not over.is_set():
                if socket.poll(50):
                    parts = socket.recv_multipart()
                    arrived.append(
                        (time.perf_counter(), json.loads(parts[6]).get("data", {}).get("number", 0))
                    )

        thread = threading.Thread(target=receive)
        thread.start()
        time.sleep(0.2)  # for the subscription to arrive
        try:
            yield arrived
        finally:
            over.set()
            thread.join()
            socket.close()

    def close(self) -> None:
        """Let go of it; it ends with its server."""
        self._client.stop_channels()


class Tab:
    """Be a tab with a replica, and note when what the kernel types is in it."""

    def __init__(self, server: Server) -> None:
        self.doc: Doc[Any] = Doc()
        self.arrived: list[tuple[float, int]] = []
        self.client = Client(server, _PATH, self.doc)
        self.client.applied = self._note

    async def open(self) -> None:
        await self.client.open()
        self.text: Text = self.doc.get("cells", type=Array)[0]["source"]
        self._made: list[bytes] = []
        self._end = self.doc.observe(lambda event: self._made.append(event.update))

    def type(self) -> None:
        """Type a key."""
        self._made.clear()
        self.text.insert(0, "y")
        self.client.update(self._made[0])

    async def until(self, length: int, seconds: float = 60.0) -> None:
        """Wait until the text is that long."""
        end = time.monotonic() + seconds
        while len(self.text) < length:
            if time.monotonic() > end:
                raise TimeoutError(f"{length - len(self.text)} of the kernel's edits are lost")
            await asyncio.sleep(0.002)

    def _note(self, now: float) -> None:
        if hasattr(self, "text"):
            self.arrived.append((time.perf_counter(), len(self.text)))


async def _opened(server: Server) -> Tab:
    tab = Tab(server)
    await tab.open()
    return tab


class Setting:
    """Hold a server, a kernel and its tabs."""

    def __init__(self, server: Server, runner: asyncio.Runner) -> None:
        self.server = server
        self.runner = runner
        self.kernel = Kernel(server)
        self.tabs: list[Tab] = []

    def seat(self, count: int) -> list[Tab]:
        """Have so many tabs open."""
        while len(self.tabs) > count:
            self.tabs.pop().client.close()
        while len(self.tabs) < count:
            self.tabs.append(self.runner.run(_opened(self.server)))
        self.runner.run(asyncio.sleep(0.2))
        return self.tabs


@contextmanager
def _setting() -> Iterator[Setting]:
    with tempfile.TemporaryDirectory(prefix="rtc_widgets-") as folder, asyncio.Runner() as runner:
        root = Path(folder, "root")
        root.mkdir()
        root.joinpath(_PATH).write_text(json.dumps(content(1)))
        server = start(LIVE, Path(folder))
        try:
            setting = Setting(server, runner)
            yield setting
            setting.seat(0)
            setting.kernel.close()
            server.api(f"/api/kernels/{setting.kernel.id}", "DELETE")
        finally:
            server.stop()


TOPIC = Topic("The kernel and its tabs", (LIVE, BARE), _setting)
_METRICS: dict[str, Unit] = {f"{state}, {metric}": "s" for state in _STATES for metric in ("p50", "p99")}


def _loop(call: str, state: str, edits: int) -> str:
    return f"sent.clear()\nfor _ in range({edits}):\n    {call}()\n    work({state!r}, {1 / _RATE})"


def _spread(state: str, took: list[float], expected: int) -> dict[str, float]:
    if len(took) != expected:
        raise RuntimeError(f"{len(took)} of {expected} arrived while the kernel was {state}")
    took.sort()
    return {f"{state}, p50": statistics.median(took), f"{state}, p99": took[int(len(took) * 0.99)]}


async def _one_by_one(kernel: Kernel, call: str, edits: int) -> None:
    """Run a cell for each edit, after which the kernel has nothing to do.

    No closer than in the other states: what is written within 20 ms of a message shares the next one, and a cell that
    wrote something sends one when it ends, too.
    """
    await asyncio.to_thread(kernel.run, "sent.clear()")
    for _ in range(edits):
        await asyncio.to_thread(kernel.run, call)
        await asyncio.sleep(1 / _RATE)


async def _from_kernel(setting: Setting, state: str, edits: int) -> dict[str, float]:
    tabs, kernel = setting.tabs, setting.kernel
    length = len(tabs[0].text)
    for tab in tabs:
        tab.arrived.clear()
    if state == "idle":
        await _one_by_one(kernel, "type_here()", edits)
    else:
        await asyncio.to_thread(kernel.run, _loop("type_here", state, edits))
    sent = await asyncio.to_thread(kernel.run, "", "sent")
    for tab in tabs:
        await tab.until(length + edits)
    took = [
        next(at for at, upto in tab.arrived if upto >= length + number) - began
        for tab in tabs
        for number, began in enumerate(sent, 1)
    ]
    return _spread(state, took, edits * len(tabs))


async def _to_kernel(setting: Setting, state: str, edits: int) -> dict[str, float]:
    tab = setting.tabs[0]
    before, length = tab.doc.get_update(), len(tab.text)
    sent: list[float] = []

    async def press(_number: int) -> None:
        sent.append(time.perf_counter())
        tab.type()

    def read(changes: list[tuple[float, str]]) -> list[tuple[float, int]]:
        # Not compared with what was sent: changes that come close together may travel as one.
        replica: Doc[Any] = Doc()
        replica.apply_update(before)
        result = []
        for at, update in changes:
            replica.apply_update(bytes.fromhex(update))
            result.append((at, len(replica.get("cells", type=Array)[0]["source"]) - length))
        return result

    heard = await _while_working(setting, state, edits, press, "changes", read)
    return _spread(state, _delays(sent, heard), edits)


async def _comm_to_kernel(setting: Setting, state: str, edits: int) -> dict[str, float]:
    sent: list[float] = []

    async def send(number: int) -> None:
        sent.append(time.perf_counter())
        setting.kernel.send("comm_msg", {"data": {"number": number + 1}})

    heard = await _while_working(setting, state, edits, send, "numbers", lambda numbers: numbers)
    return _spread(state, _delays(sent, heard), edits)


def _delays(sent: list[float], heard: list[tuple[float, int]]) -> list[float]:
    """Return how long each took, where *heard* tells how many had arrived at which moment."""
    first = (
        (next((at for at, upto in heard if upto >= number), None), began)
        for number, began in enumerate(sent, 1)
    )
    return [at - began for at, began in first if at is not None]


async def _while_working(
    setting: Setting,
    state: str,
    edits: int,
    do: Callable[[int], Awaitable[None]],
    where: str,
    read: Callable[[list[Any]], list[tuple[float, int]]],
) -> list[tuple[float, int]]:
    """Return how many the kernel had heard at which moment: what it noted *where*, made that by *read*."""
    kernel = setting.kernel
    await asyncio.to_thread(kernel.run, f"{where}.clear()")
    seconds = edits / _RATE + 0.4
    working = None
    if state != "idle":
        working = asyncio.create_task(asyncio.to_thread(kernel.run, f"work({state!r}, {seconds})"))
        await asyncio.sleep(0.2)
    for number in range(edits):
        await do(number)
        await asyncio.sleep(1 / _RATE)
    if working is not None:
        await working
    end = time.monotonic() + 20
    while True:
        heard = read(await asyncio.to_thread(kernel.run, "", where))
        if (heard and heard[-1][1] >= edits) or time.monotonic() > end:
            return heard
        await asyncio.sleep(0.05)


async def _comm_from_kernel(setting: Setting, state: str, edits: int) -> dict[str, float]:
    kernel = setting.kernel
    with kernel.listening() as arrived:
        if state == "idle":
            await _one_by_one(kernel, "send_away()", edits)
        else:
            await asyncio.to_thread(kernel.run, _loop("send_away", state, edits))
        sent = await asyncio.to_thread(kernel.run, "", "sent")
        await asyncio.sleep(0.2)
    return _spread(state, [at - sent[number - 1] for at, number in arrived if number], edits)


def _case(name: str, tabs: int, ours: Any, bare: Any) -> None:
    def rounds(size: Size) -> Iterator[Ways]:
        setting: Setting = TOPIC.shared
        setting.seat(min(tabs, size.clients))
        if bare is _comm_to_kernel:
            setting.kernel.send("comm_open", {"target_name": "benchmark", "data": {}})
        edits = max(2, round(_RATE * size.seconds * 0.75))

        def measure(way: Any) -> Callable[[], dict[str, float]]:
            async def all_states() -> dict[str, float]:
                figures: dict[str, float] = {}
                for state in _STATES:
                    figures |= await way(setting, state, edits)
                return figures

            return lambda: setting.runner.run(all_states())

        yield from repeat({LIVE: measure(ours)} | ({BARE: measure(bare)} if tabs == 1 else {}))

    TOPIC.case(name, most=2, metrics=_METRICS)(rounds)


_case("kernel → 1 tab", 1, _from_kernel, _comm_from_kernel)
_case("1 tab → kernel", 1, _to_kernel, _comm_to_kernel)
_case("kernel → 8 tabs", 8, _from_kernel, _comm_from_kernel)
_case("1 of 8 tabs → kernel", 8, _to_kernel, _comm_to_kernel)


def _burst(tabs: int) -> Rounds:
    async def burst(setting: Setting, edits: int) -> dict[str, float]:
        length = len(setting.tabs[0].text)
        code = f"began = time.perf_counter()\nfor _ in range({edits}):\n    nb[0].text.append('x')"
        began = await asyncio.to_thread(setting.kernel.run, code, "(began, time.perf_counter())")
        for tab in setting.tabs:
            await tab.until(length + edits)
        last = max(next(at for at, upto in tab.arrived if upto == length + edits) for tab in setting.tabs)
        return {"the cell runs": began[1] - began[0], "until all tabs have all": last - began[0]}

    async def bare(setting: Setting, edits: int) -> dict[str, float]:
        code = f"sent.clear()\nfor _ in range({edits}):\n    send_away()"
        with setting.kernel.listening() as arrived:
            began = await asyncio.to_thread(setting.kernel.run, code, "(sent[0], time.perf_counter())")
            await asyncio.sleep(1)
        return {"the cell runs": began[1] - began[0], "until all tabs have all": arrived[-1][0] - began[0]}

    def rounds(size: Size) -> Iterator[Ways]:
        setting: Setting = TOPIC.shared
        setting.seat(min(tabs, size.clients))
        for tab in setting.tabs:
            tab.arrived.clear()
        ours = {LIVE: lambda: setting.runner.run(burst(setting, size.kernel_burst))}
        floor = {BARE: lambda: setting.runner.run(bare(setting, size.kernel_burst))}
        yield from repeat(ours | floor if tabs == 1 else ours)

    return rounds


for _tabs in (1, 8):
    TOPIC.case(
        f"10,000 edits of the kernel at once, {_tabs} tab{'s' * (_tabs > 1)}",
        most=2,
        metrics={"the cell runs": "s", "until all tabs have all": "s"},
    )(_burst(_tabs))
