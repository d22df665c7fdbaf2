"""Stop a server of JupyterHub's in good order by the interrupt with which the Hub stops it."""

from __future__ import annotations

import signal
import threading
from typing import Any

from jupyter_server.serverapp import ServerApp

__all__ = ["stop_on_interrupt"]


def stop_on_interrupt(serverapp: ServerApp) -> None:
    """Have SIGINT stop the server as SIGTERM does, which writes what is unsaved.

    JupyterHub's spawners of local processes send it first. Without a terminal jupyter_server leaves it to Python, which
    raises KeyboardInterrupt wherever the server is just then, in the midst of an update too, and nothing is written.
    """
    is_of_hub = getattr(serverapp.identity_provider, "hub_auth", None) is not None
    is_pythons = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if is_of_hub and is_pythons and threading.current_thread() is threading.main_thread():

        def stop(_number: int, _frame: Any) -> None:
            serverapp.stop(from_signal=True)

        signal.signal(signal.SIGINT, stop)
