"""``%load_ext rtc_widgets``: start the kernel's session, and undo every hook on ``%unload_ext``."""

from __future__ import annotations

import atexit
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rtc_widgets.errors import NotConnected
from rtc_widgets.kernel.session import KernelSession
from rtc_widgets.protocol.codes import CloseCode

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from rtc_widgets.kernel.completion import Completion
    from rtc_widgets.kernel.magics import Magics

__all__ = ["current", "load_ipython_extension", "unload_ipython_extension"]

NO_KERNEL = (
    "This IPython is not a Jupyter kernel, so there is no notebook here that could be live. Run the code in a "
    "notebook in JupyterLab."
)
BETWEEN_CELLS = (
    "rtc_widgets: this kernel hears the server between cells, not while one runs: changes by others arrive when a "
    "cell has ended, and the notebook itself when this one has. What you write leaves at once. A kernel made with "
    "ipykernel 6.31 or newer hears at any time."
)


@dataclass(slots=True)
class _State:
    """Hold what is loaded in this process."""

    session: KernelSession | None = None
    # Why there is no session though the extension is loaded.
    unavailable: str | None = None
    hooked: bool = False
    # What people type with: there wherever the extension is loaded, also where there is no session.
    offered: tuple[Magics, Completion] | None = None


_state = _State()


def current() -> KernelSession | None:
    """Return this process' session, None where the extension is not loaded.

    Raises:
        NotConnected: the extension is loaded, but in a place where it cannot work.
    """
    if _state.unavailable is not None:
        raise NotConnected(_state.unavailable)
    return _state.session


def load_ipython_extension(ip: InteractiveShell) -> None:
    """Say hello to the relay, and offer the magics. Loading twice says hello again for the same session."""
    if _state.offered is None:
        # Both ask this module for the session.
        from rtc_widgets.kernel.completion import Completion  # noqa: PLC0415
        from rtc_widgets.kernel.magics import Magics  # noqa: PLC0415

        _state.offered = Magics(ip), Completion(ip)
    if _state.session is not None:
        _state.session.hello()
        return
    kernel: Any = getattr(ip, "kernel", None)
    try:
        if kernel is None:
            raise NotConnected(NO_KERNEL)
        session = KernelSession(kernel)
    except NotConnected as error:
        # The extension may be loaded by a profile for every IPython: no traceback, one sentence.
        if _state.unavailable is None:
            print(f"rtc_widgets: {error}")  # noqa: T201 - loading an extension is a conversation with a person
        _state.unavailable = str(error)
        return
    _state.session, _state.unavailable = session, None
    ip.events.register("pre_run_cell", session.cell_started)
    ip.events.register("post_run_cell", session.cell_finished)
    if not session.hears_during_cells:
        print(BETWEEN_CELLS)  # noqa: T201
    if not _state.hooked:
        _state.hooked = True
        atexit.register(_at_exit)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=_after_fork)


def unload_ipython_extension(ip: InteractiveShell) -> None:
    """Say bye and undo every hook."""
    session, _state.session, _state.unavailable = _state.session, None, None
    offered, _state.offered = _state.offered, None
    for one in offered or ():
        one.remove()
    if session is not None:
        ip.events.unregister("pre_run_cell", session.cell_started)
        ip.events.unregister("post_run_cell", session.cell_finished)
        session.close()


def _at_exit() -> None:
    if _state.session is not None:
        _state.session.close(CloseCode.GONE, "The kernel has ended.")


def _after_fork() -> None:
    if _state.session is not None:
        _state.session.forked()
