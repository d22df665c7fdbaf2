"""What all widgets of comments have in common: what a page is told, and what is done of what it asks."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

import anywidget
from ipywidgets import widget_serialization  # type: ignore[import-untyped]
from traitlets import Dict, HasTraits, Instance, Unicode

from rtc_widgets.errors import ChannelClosed, RtcError
from rtc_widgets.ids import new_id
from rtc_widgets.widgets import inbox
from rtc_widgets.widgets.feed import Feed
from rtc_widgets.widgets.library import LOADER, Library, library
from rtc_widgets.widgets.worker import kernel_of_process, runner

if TYPE_CHECKING:
    from rtc_widgets.documents.annotated import Annotated

__all__ = ["CommentsBase"]

# What a page may ask for (docs/protocol.md, 3.4).
_METHODS = frozenset(
    (
        "people.find",
        *(f"comments.{name}" for name in ("add", "edit", "delete", "resolve", "reopen", "attach", "mirror")),
    )
)
# Seconds, and how often, it is looked whether what was answered is in the replica, so that a page sees it first.
_ARRIVAL, _TRIES = 0.02, 100


class CommentsBase(anywidget.AnyWidget):
    """Show comments on one document.

    Args:
        handle: of the document.
    """

    _esm = LOADER
    _library = Instance(Library).tag(sync=True, **widget_serialization)
    _kind = Unicode().tag(sync=True)
    # The model's own id, by which the page finds the model itself, and says whom it speaks to.
    _id = Unicode().tag(sync=True)
    # On which comm the control channel is heard, empty for none.
    _in = Unicode().tag(sync=True)
    # Read anew whenever a page asks for it; what changes is told by messages, and never as a whole.
    _state = Dict().tag(sync=True, echo_update=False, to_json=lambda _, widget: widget._now)  # noqa: SLF001
    # What a page has chosen is told to the kernel, and not to other people's pages.
    _chosen = ("filter", "selected")

    def __init__(self, handle: Annotated, **traits: Any) -> None:
        kernel = kernel_of_process()
        loop = getattr(kernel, "io_loop", None)
        self._dispatch: Callable[[Callable[[], None]], None] = (
            handle.document.dispatcher if loop is None else loop.add_callback
        )
        self._work = runner(self._dispatch)
        self._feed = Feed.of(handle, self._work)
        self._taking = False
        name = new_id()
        heard = inbox.hear(name, self._hear)
        super().__init__(
            model_id=name, _id=name, _in=inbox.COMM_ID if heard else "", _library=library(), **traits
        )
        self.on_msg(self._on_message)
        self._feed.add(self._follow)

    @property
    def _now(self) -> dict[str, Any]:
        """Return what is known of the comments."""
        return self._feed.state

    # ----------------------------------------------------------------------------------------- out: to pages

    def _follow(self, patch: Mapping[str, Any], state: Mapping[str, Any]) -> None:
        """Tell the pages what has changed."""
        if self.comm is not None:
            self.send({"patch": patch})

    def notify_change(self, change: Any) -> None:
        """Tell pages and observers; observers on the main loop, also of what was heard in a thread of ours."""
        here = self._work.here()
        if not here and not self._taking:
            super().notify_change(change)
            return
        if not self._taking and self.comm is not None and change["name"] in self.keys:
            self.send_state(change["name"])
        if here:
            self._dispatch(lambda: HasTraits.notify_change(self, change))
        else:
            HasTraits.notify_change(self, change)

    # --------------------------------------------------------------------------------------- in: from pages

    def _hear(self, message: Mapping[str, Any]) -> None:
        """Take what a page says, in the control thread."""
        self._work.put(lambda: self._take(message))

    def _on_message(self, _widget: Any, message: Any, _buffers: Any) -> None:
        if isinstance(message, Mapping):
            self._take(message)

    def _take(self, message: Mapping[str, Any]) -> None:
        if "method" in message:
            self._ask(message)
        elif "set" in message:
            with self._quietly():
                for name, value in dict(message["set"]).items():
                    if name in self._chosen and self.has_trait(name):
                        self.set_trait(name, value)
        elif "all" in message:
            self.send({"state": self._now})

    @contextlib.contextmanager
    def _quietly(self) -> Iterator[None]:
        """Have traits set that no page is told of: one has said it, and it is not what the others look at."""
        self._taking = True
        try:
            yield
        finally:
            self._taking = False

    def _ask(self, message: Mapping[str, Any]) -> None:
        """Ask for what a person wants done, as this participant, and answer."""
        method, params = str(message["method"]), dict(message.get("params") or {})
        link = self._feed.handle.document.link
        future: Future[Any]
        try:
            if method not in _METHODS or link is None:
                raise ChannelClosed("unknown-method", f"There is no request {method!r}.")
            future = link.ask(method, params)
        except RtcError as error:
            future = Future()
            future.set_exception(error)
        number, view = message.get("number"), message.get("view")

        def answered(future: Future[Any]) -> None:
            self._work.put(lambda: self._answer(future, params, {"answer": number, "view": view}, _TRIES))

        future.add_done_callback(answered)

    def _answer(
        self, future: Future[Any], params: Mapping[str, Any], answer: dict[str, Any], tries: int
    ) -> None:
        """Tell a page what came of it; after it has been told of the change itself."""
        error = future.exception()
        self._feed.turn()
        comment, body = params.get("comment"), params.get("body")
        thread = self._now["threads"].get(params.get("thread"), {})
        if error is None and body is not None and comment not in thread.get("comments", {}) and tries:
            self._work.put(lambda: self._answer(future, params, answer, tries - 1), _ARRIVAL)
            return
        if error is None:
            answer["result"] = future.result()
        elif isinstance(error, ChannelClosed):
            answer |= {"code": str(error.code), "reason": error.reason}
        else:
            answer |= {"code": "failed", "reason": str(error)}
        if self.comm is not None:
            self.send(answer)
