"""Real kernels, and a hub that is a link and one document."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import time
from pathlib import Path

from jupyter_client.manager import AsyncKernelManager
from jupyter_ydoc import YNotebook
from pycrdt import Doc

from rtc_widgets.kernel_link import KernelLink
from rtc_widgets.protocol import kernel as wire
from rtc_widgets.protocol import peer, sync
from rtc_widgets.protocol.welcome import Limits, Welcome
from rtc_widgets.roles import Role

ROOT = Path(__file__).parents[2]


async def until(condition, seconds=20.0, why="it did not become true"):
    """Wait for a fact."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, why() if callable(why) else why
        await asyncio.sleep(0.005)


def install_kernelspec(folder, module):
    """Make a kernel known that is run as ``python -m module -f …``, under the module's name."""
    (folder / module).mkdir(parents=True)
    argv = [sys.executable, "-m", module, "-f", "{connection_file}"]
    spec = {"argv": argv, "display_name": module, "language": "python"}
    (folder / module / "kernel.json").write_text(json.dumps(spec))


class Kernel:
    """One kernel's process, and a client that keeps every iopub message as a tab would.

    Args:
        module: what is run as the kernel; `ipykernel_launcher` in this environment where none is named.
    """

    def __init__(self, tmp_path, module=None):
        self.manager = AsyncKernelManager(kernel_name="python3")
        if module is not None:
            specs = tmp_path / "specs"
            install_kernelspec(specs, module)
            self.manager.kernel_spec_manager.kernel_dirs = [str(specs)]
            self.manager.kernel_name = module
        self.tmp_path = tmp_path
        self.iopub = []

    async def start(self, arguments=()):
        env = dict(
            os.environ,
            PYTHONPATH=str(ROOT),
            IPYTHONDIR=str(self.tmp_path),
            PYDEVD_DISABLE_FILE_VALIDATION="1",
        )
        env.pop("PYTEST_CURRENT_TEST", None)
        await self.manager.start_kernel(env=env, extra_arguments=list(arguments))
        await self._connect()

    async def _connect(self):
        self.client = self.manager.client()
        self.client.start_channels()
        await self.client.wait_for_ready(timeout=60)
        # A new client counts its messages anew, so their ids come again.
        self.iopub.clear()
        self.reader = asyncio.create_task(self._read())

    async def _read(self):
        while True:
            message = await self.client.get_iopub_msg()
            # xeus sends null where ipykernel sends no parent.
            self.iopub.append(message | {"parent_header": message["parent_header"] or {}})

    async def _disconnect(self):
        self.reader.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.reader
        self.client.stop_channels()

    async def restart(self):
        await self._disconnect()
        await self.manager.restart_kernel(now=True)
        await self._connect()

    async def aclose(self):
        await self._disconnect()
        await self.manager.shutdown_kernel(now=True)
        self.client.context.destroy(linger=0)

    def begin(self, code, cell_id="cell-0"):
        """Send a cell, as JupyterLab does, and return its message's id."""
        content = {
            "code": code,
            "silent": False,
            "store_history": True,
            "user_expressions": {},
            "allow_stdin": False,
        }
        message = self.client.session.msg("execute_request", content, metadata={"cellId": cell_id})
        self.client.shell_channel.send(message)
        return message["header"]["msg_id"]

    async def end(self, msg_id, seconds=30.0):
        """Wait until the cell is done and return what it printed; an error raises."""
        await until(
            lambda: self._idle(msg_id), seconds, lambda: f"the cell still runs: {self.output(msg_id)}"
        )
        for message in self.of(msg_id):
            if message["msg_type"] == "error":
                raise AssertionError("\n".join(message["content"]["traceback"]))
        return self.output(msg_id)

    async def run(self, code, cell_id="cell-0", seconds=30.0):
        return await self.end(self.begin(code, cell_id), seconds)

    def of(self, msg_id):
        return [message for message in self.iopub if message["parent_header"].get("msg_id") == msg_id]

    def output(self, msg_id):
        return "".join(
            message["content"]["text"] for message in self.of(msg_id) if message["msg_type"] == "stream"
        )

    def _idle(self, msg_id):
        return any(
            message["msg_type"] == "status" and message["content"]["execution_state"] == "idle"
            for message in self.of(msg_id)
        )

    def not_of_cells(self):
        """Return the iopub messages that are neither a cell's nor our uplink's (nor ZMQ's welcome)."""
        return [
            message
            for message in self.iopub
            if message["parent_header"].get("msg_type") not in {"execute_request", "kernel_info_request"}
            and message["msg_type"] != "iopub_welcome"
            and not self.is_uplink(message)
        ]

    @staticmethod
    def is_uplink(message):
        return message["msg_type"] == "comm_msg" and message["content"]["comm_id"] == wire.UPLINK_ID

    def uplink(self, kind=None):
        """Return the data of the uplink messages that a tab saw."""
        data = [message["content"]["data"] for message in self.iopub if self.is_uplink(message)]
        return data if kind is None else [entry for entry in data if entry["kind"] == kind]


def cell(source, id_, cell_type="code"):
    extra = {"outputs": [], "execution_count": None} if cell_type == "code" else {}
    return {"id": id_, "cell_type": cell_type, "source": source, "metadata": {}, **extra}


class Notebook:
    """A notebook on the hub: what a room holds of it."""

    def __init__(self, path, cells):
        self.path = path
        self.comm_id = f"{path}.content"
        self.doc = Doc()
        self.ynotebook = YNotebook(ydoc=self.doc)
        self.ynotebook.set({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
        self.updates = 0

    def source(self, index=0):
        return str(self.ynotebook.ycells[index]["source"])

    def sources(self):
        return [entry["source"] for entry in self.ynotebook.get()["cells"]]

    def holds(self, cell_id):
        return any(entry["id"] == cell_id for entry in self.ynotebook.get()["cells"])

    def type(self, text, index=0):
        """Type at the end of a cell, as a person in a browser."""
        with self.doc.transaction():
            self.ynotebook.ycells[index]["source"].insert(len(self.ynotebook.ycells[index]["source"]), text)


class LossyLink(KernelLink):
    """A link whose channels lose what *loses* says, in either direction."""

    def __init__(self, *args, **kwargs):
        self.lose_up = lambda data: False
        self.lose_down = lambda data: False
        super().__init__(*args, **kwargs)

    def _on_message(self, content, buffers):
        if not self.lose_up(content["data"]):
            super()._on_message(content, buffers)

    def _tell(self, session, kind, buffers=None, **keys):
        if self.lose_down({"kind": kind, **keys}):
            return True
        return super()._tell(session, kind, buffers, **keys)


class Hub:
    """A link's handler with some notebooks; what the relay is, less the rooms."""

    def __init__(self, manager, *notebooks, role=Role.EDITOR, limits=None):
        self.notebooks = list(notebooks)
        self.role = role
        self.limits = limits or Limits()
        self.refusal = None
        self.hellos, self.frames, self.byes, self.closes = [], [], [], []
        self._from_kernel = False
        for notebook in notebooks:
            self._watch(notebook)
        self.link = LossyLink(manager, self)

    def _watch(self, notebook):
        def changed(event):
            notebook.updates += 1
            if not self._from_kernel:
                self.link.send(notebook.comm_id, [sync.update(event.update)])

        notebook.subscription = notebook.doc.observe(changed)

    def was_heard(self, notebook):
        """Tell whether the kernel has had its welcome."""
        flow = self.link._flows.get(notebook.comm_id)
        return flow is not None and flow.heard

    def add(self, notebook):
        self.notebooks.append(notebook)
        self._watch(notebook)

    def of(self, comm_id):
        return next(notebook for notebook in self.notebooks if notebook.comm_id == comm_id)

    def welcome(self, notebook, *, primary):
        frames = [sync.step2(notebook.doc.get_update())]
        if self.role.may_write:
            frames.append(sync.step1(notebook.doc.get_state()))
        welcome = Welcome(
            version=1,
            release="0",
            role=self.role,
            lineage=f"lineage of {notebook.path}",
            document="content",
            path=notebook.path,
            room=notebook.path,
            limits=self.limits,
        )
        self.link.welcome(notebook.comm_id, welcome, frames, primary=primary)

    def on_hello(self, link, hello):
        self.hellos.append(hello)
        if self.refusal is not None:
            link.refuse(self.refusal)
            return
        own = next(
            (notebook for notebook in self.notebooks if notebook.holds(hello.cell_id)), self.notebooks[0]
        )
        for notebook in self.notebooks:
            self.welcome(notebook, primary=notebook is own)

    def on_frames(self, link, comm_id, seq, frames):
        notebook = self.of(comm_id)
        for frame in frames:
            value = peer.decode(frame)
            self.frames.append(value)
            if isinstance(value, sync.Step1):
                link.send(comm_id, [sync.step2(notebook.doc.get_update(value.state_vector))])
            elif isinstance(value, sync.Step2 | sync.Update):
                self._from_kernel = True
                notebook.doc.apply_update(value.update)
                self._from_kernel = False

    def on_close(self, link, comm_id, code, reason):
        self.closes.append((comm_id, code))

    def on_bye(self, link, code, reason):
        self.byes.append(code)

    def state_vector(self, comm_id):
        return self.of(comm_id).doc.get_state()

    async def aclose(self):
        await self.link.aclose()
        for notebook in self.notebooks:
            notebook.doc.unobserve(notebook.subscription)
