"""The server extension: configuration, handlers, start and stop."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from jupyter_server.extension.application import ExtensionApp
from jupyter_server.serverapp import ServerApp
from traitlets import Bool, Callable, Enum, Float, Int, Unicode, validate

from rtc_widgets.errors import StoreError
from rtc_widgets.logged import fields
from rtc_widgets.protocol.welcome import Limits
from rtc_widgets.relay.handlers import routes
from rtc_widgets.relay.interrupt import stop_on_interrupt
from rtc_widgets.relay.mirroring import MIRROR
from rtc_widgets.relay.relay import Relay, RelaySettings
from rtc_widgets.relay.tidings import Tidings

__all__ = ["RelayApp"]

_log = logging.getLogger(__name__)


class RelayApp(ExtensionApp):
    """Configure the relay, as ``c.RelayApp.…`` in jupyter_server_config.py or ``--RelayApp.…``."""

    name = "rtc_widgets"
    extension_url = "/api/rtc_widgets"
    load_other_extensions = True

    save_delay = Float(
        1.0, help="Seconds without a change after which a document is written to its file."
    ).tag(config=True)
    save_max_wait = Float(10.0, help="Seconds after which a document is written while changes go on.").tag(
        config=True
    )
    poll_interval = Float(1.0, help="Seconds between looks whether a file changed outside.").tag(config=True)
    close_delay = Float(60.0, help="Seconds that a room stays open after the last peer left.").tag(
        config=True
    )
    recheck_interval = Float(30.0, help="Seconds between two looks whether a user still has its rights.").tag(
        config=True
    )
    store_path = Unicode(
        "",
        help="The SQLite file of the log, on a local disk. By default one a root_dir, in Jupyter's data folder.",
    ).tag(config=True)
    snapshot_every = Int(
        1000,
        min=0,
        help="Changes, of about a kilobyte, after which a snapshot is put beside a document's log, for it to load "
        "sooner. Large documents have fewer. It takes nothing from the log. 0 for none.",
    ).tag(config=True)
    history_days = Float(
        30.0,
        help="Days for which the log keeps who changed what, to the minute. What is older is one snapshot.",
    ).tag(config=True)
    max_log_size = Int(
        64 * 2**20,
        min=0,
        help="Bytes of one document's log; over it the older half of its history is made one snapshot.",
    ).tag(config=True)
    mirror = Enum(
        MIRROR,
        default_value="ask",
        help="Whether a copy of a notebook's comments stands in its file, too, so that they travel with it and show in "
        "Git: always, never, or as people say who are asked at the first comment. A copy that is there is kept up.",
    ).tag(config=True)
    remember_people = Bool(
        True,
        help="Whether who comments may mention all who ever had a document of this server open. Off where people shall "
        "not know of each other; then those who were remembered are forgotten.",
    ).tag(config=True)
    directory = Callable(
        None,
        allow_none=True,
        help="Further people to mention, from a directory of the deployment's: called with what was typed, returns "
        "people as dicts like jupyter_server's User. May be a coroutine function; else it runs in a thread.",
    ).tag(config=True)
    role_hook = Callable(
        None,
        allow_none=True,
        help="The last word on what somebody may do in a document: called with the person, a dict like "
        "jupyter_server's User, the file's path, and the role that the Authorizer gives, returns viewer, commenter, "
        "editor, runner, or None for no access. Not called for who may not read. May be a coroutine function; else it "
        "runs in a thread.",
    ).tag(config=True)
    max_file_size = Int(
        100 * 2**20, help="Bytes; a larger file opens the ordinary way, without collaboration."
    ).tag(config=True)
    max_frame = Int(2**20, help="Bytes; a longer frame travels in parts.").tag(config=True)
    max_message = Int(2**28, help="Bytes of a frame put together again.").tag(config=True)
    max_awareness = Int(2**16, help="Bytes that a peer may say of itself.").tag(config=True)
    max_rate = Int(1000, help="Messages a second of one connection, over ten seconds.").tag(config=True)
    max_documents = Int(256, help="Documents open on one connection.").tag(config=True)
    backups = Int(
        10,
        min=0,
        help="Copies of one notebook that are kept, each from before more than half of its cells were deleted. "
        "0 for none.",
    ).tag(config=True)
    max_rooms = Int(
        1000, min=1, help="Documents open on the server; one that nobody has open makes way for another."
    ).tag(config=True)
    max_comment = Int(2**16, min=1, help="Bytes of one comment.").tag(config=True)
    max_unsent = Int(
        16 * 2**20,
        min=1,
        help="Bytes of what others write that may wait for one connection that does not take them; with more it is "
        "dropped (too-slow). The documents that it opens are not counted. For a kernel that does not read so much "
        "waits in its channel and as much here; the rest it gets as one difference when it reads again.",
    ).tag(config=True)
    kernels = Bool(
        True, help="Whether notebooks may be reached from their kernels (%load_ext rtc_widgets)."
    ).tag(config=True)

    kernels_open_files = Bool(
        True,
        help="Whether code in kernels on this machine may open any file that the server can, as a live document "
        "(rtc_widgets.open). It runs as the server's user and can read the files anyway.",
    ).tag(config=True)

    @validate("save_delay", "save_max_wait", "poll_interval", "close_delay", "recheck_interval")
    def _positive(self, proposal: Any) -> float:
        if proposal["value"] < 0:
            raise ValueError(
                f"RelayApp.{proposal['trait'].name} is a number of seconds, not {proposal['value']}."
            )
        return float(proposal["value"])

    @validate("history_days")
    def _days(self, proposal: Any) -> float:
        if proposal["value"] < 0:
            raise ValueError(f"RelayApp.history_days is a number of days, not {proposal['value']}.")
        return float(proposal["value"])

    def initialize_settings(self) -> None:
        """Make the relay."""
        assert self.serverapp is not None
        # What the package logs goes where the server's own log goes, and looks as that does, as tornado's does.
        logging.getLogger("rtc_widgets").parent = self.serverapp.log
        settings = RelaySettings(
            save_delay=self.save_delay,
            save_max_wait=self.save_max_wait,
            poll_interval=self.poll_interval,
            close_delay=self.close_delay,
            recheck_interval=self.recheck_interval,
            store_path=self.store_path,
            snapshot_every=self.snapshot_every,
            history_days=self.history_days,
            max_log_size=self.max_log_size,
            mirror=self.mirror,
            remember_people=self.remember_people,
            directory=self.directory,
            role_hook=self.role_hook,
            max_file_size=self.max_file_size,
            max_documents=self.max_documents,
            backups=self.backups,
            max_rooms=self.max_rooms,
            max_comment=self.max_comment,
            max_unsent=self.max_unsent,
            limits=Limits(self.max_frame, self.max_message, self.max_awareness, self.max_rate),
            kernels=self.kernels,
            kernels_open_files=self.kernels_open_files,
        )
        self.relay: Relay | None = None
        self._closing: asyncio.Task[None] | None = None
        try:
            self.relay = Relay(self.serverapp, settings)
        except StoreError as error:
            # The server works without us: a page that finds no relay opens its documents the ordinary way.
            _log.critical(
                "Documents are opened without collaboration: %s", error, extra=fields("store.unusable")
            )
            Tidings(self.serverapp.event_logger).tell("damaged", code="store", message=str(error))
        self.settings["rtc_widgets"] = self.relay

    def initialize_handlers(self) -> None:
        """Add the relay's URLs."""
        if self.relay is not None:
            self.handlers.extend(routes())

    async def _start_jupyter_server_extension(self, serverapp: ServerApp) -> None:
        if self.relay is not None:
            stop_on_interrupt(serverapp)
            await self.relay.start()

    async def stop_extension(self) -> None:
        """Write what is unsaved and close every room; who asks for it again waits for the same.

        jupyter_server asks again at the next signal. If an extension raises, it does not stop, then or ever.
        """
        if self.relay is None:
            return
        if self._closing is None:
            self._closing = asyncio.create_task(self.relay.aclose())
        try:
            await asyncio.shield(self._closing)
        except Exception:  # noqa: BLE001 - see above; the log has every change
            _log.exception("The relay did not close cleanly", extra=fields("relay.not-closed"))
