"""The public names, each loaded when it is first used, and the hooks that Jupyter calls.

Nothing is imported before it is asked for: a kernel must not load the server's modules, nor a server IPython.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from rtc_widgets._version import __version__

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from rtc_widgets.client.api import connect, connect_async
    from rtc_widgets.client.local import local
    from rtc_widgets.documents.cells import Cell
    from rtc_widgets.documents.notebook import Notebook
    from rtc_widgets.errors import (
        CellGone,
        ChannelClosed,
        CommentRefused,
        DocumentError,
        FrameError,
        NotConnected,
        ProtocolError,
        RtcError,
        StaleCell,
        StaleText,
        StoreError,
        UnknownDocumentType,
    )
    from rtc_widgets.kernel.api import notebook
    from rtc_widgets.opening import open  # noqa: A004 (used with the module's name)
    from rtc_widgets.origins import Origin
    from rtc_widgets.roles import Role
    from rtc_widgets.widgets import CommentBox, CommentsWidget, ThreadWidget

__all__ = [
    "Cell",
    "CellGone",
    "ChannelClosed",
    "CommentBox",
    "CommentRefused",
    "CommentsWidget",
    "DocumentError",
    "FrameError",
    "NotConnected",
    "Notebook",
    "Origin",
    "ProtocolError",
    "Role",
    "RtcError",
    "StaleCell",
    "StaleText",
    "StoreError",
    "ThreadWidget",
    "UnknownDocumentType",
    "__version__",
    "connect",
    "connect_async",
    "local",
    "notebook",
    "open",
]

_HOMES = {
    "Cell": "rtc_widgets.documents.cells",
    "CellGone": "rtc_widgets.errors",
    "ChannelClosed": "rtc_widgets.errors",
    "CommentBox": "rtc_widgets.widgets",
    "CommentRefused": "rtc_widgets.errors",
    "CommentsWidget": "rtc_widgets.widgets",
    "DocumentError": "rtc_widgets.errors",
    "FrameError": "rtc_widgets.errors",
    "NotConnected": "rtc_widgets.errors",
    "Notebook": "rtc_widgets.documents.notebook",
    "Origin": "rtc_widgets.origins",
    "ProtocolError": "rtc_widgets.errors",
    "Role": "rtc_widgets.roles",
    "RtcError": "rtc_widgets.errors",
    "StaleCell": "rtc_widgets.errors",
    "StaleText": "rtc_widgets.errors",
    "StoreError": "rtc_widgets.errors",
    "ThreadWidget": "rtc_widgets.widgets",
    "UnknownDocumentType": "rtc_widgets.errors",
    "connect": "rtc_widgets.client.api",
    "connect_async": "rtc_widgets.client.api",
    "local": "rtc_widgets.client.local",
    "notebook": "rtc_widgets.kernel.api",
    "open": "rtc_widgets.opening",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def load_ipython_extension(ip: InteractiveShell) -> None:
    """Say hello to the relay: what ``%load_ext rtc_widgets`` calls."""
    from rtc_widgets.kernel.extension import load_ipython_extension as load

    load(ip)


def unload_ipython_extension(ip: InteractiveShell) -> None:
    """Leave the relay and undo every hook: what ``%unload_ext rtc_widgets`` calls."""
    from rtc_widgets.kernel.extension import unload_ipython_extension as unload

    unload(ip)


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    """Name the relay: what jupyter_server asks for at start."""
    from rtc_widgets.relay.extension import RelayApp

    return [{"module": "rtc_widgets.relay.extension", "app": RelayApp}]


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    """Name the folder of built assets: what ``jupyter labextension develop`` asks for."""
    return [{"src": "labextension", "dest": "rtc-widgets"}]
