"""``LiveNotebookClient``: nbclient's client, which also lets the notebook that it executes edit itself."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

try:
    from nbclient import NotebookClient
    from nbclient.util import ensure_async, run_sync
except ImportError as missing:
    raise ImportError(
        "LiveNotebookClient executes notebooks by way of nbclient, which is not installed here: pip install nbclient"
    ) from missing

from rtc_widgets.client.headless import HeadlessRelay
from rtc_widgets.errors import DocumentError, NotConnected

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = ["LiveNotebookClient"]


class LiveNotebookClient(NotebookClient):
    """Execute a notebook, and be the relay for its kernel while it runs.

    A drop-in ``nbclient.NotebookClient``: same arguments, same traits, same hooks, same errors. In the notebook,
    ``rtc_widgets.notebook()`` is a live handle. What is edited through it is in ``nb`` before the next cell is picked:
    a cell that was inserted behind the running one is executed too, a later one that was deleted is not. No cell is
    executed twice. A notebook that does not ask for a handle is executed as ever.

    The cells' outputs are in the live document from the end of each cell on.

    Example::

        nb = nbformat.read("report.ipynb", as_version=4)
        LiveNotebookClient(nb, timeout=600, resources={"metadata": {"path": "."}}).execute()
        nbformat.write(nb, "report.ipynb")
    """

    # On the class: nbconvert's preprocessor calls `NotebookClient.__init__` itself, again for each notebook.
    _relay: HeadlessRelay | None = None

    async def async_execute(self, reset_kc: bool = False, **kwargs: Any) -> NotebookNode:
        """Execute each code cell, those that appear meanwhile too; otherwise as nbclient does.

        Args:
            reset_kc: use a new kernel client.
            kwargs: options of the kernel manager's ``start_kernel``.
        """
        if reset_kc and self.owns_km:
            await self._async_cleanup_kernel()
        self.reset_execution_trackers()
        async with self.async_setup_kernel(**kwargs):
            assert self.kc is not None
            self.log.info("Executing notebook with kernel: %s", self.kernel_name)
            info = await self.async_wait_for_reply(await ensure_async(self.kc.kernel_info()))
            if info is not None:
                if "language_info" not in info["content"]:
                    raise RuntimeError(
                        'Kernel info received message content has no "language_info" key. '
                        f"Content is:\n{info['content']}"
                    )
                self.nb.metadata["language_info"] = info["content"]["language_info"]
            for index, cell in self.cells_in_turn():
                await self.async_execute_cell(cell, index, execution_count=self.code_cells_executed + 1)
            self.set_widgets_metadata()
        return self.nb

    execute = run_sync(async_execute)
    """Do as `async_execute`, in code that is not async."""

    def cells_in_turn(self) -> Iterator[tuple[int, NotebookNode]]:
        """Yield each cell with its index, as the notebook stands when its turn comes.

        What follows is what stands behind the last cell then, or behind the place that it had; cells that were moved
        behind it have had their turn if they had it.
        """
        had: dict[int, NotebookNode] = {}
        before: list[NotebookNode] = []
        while True:
            cells = self.nb.cells
            start = len(before)
            if before and (start > len(cells) or cells[start - 1] is not before[-1]):
                where = {id(cell): index for index, cell in enumerate(cells)}
                start = next((where[id(cell)] + 1 for cell in reversed(before) if id(cell) in where), 0)
            index = next((i for i in range(start, len(cells)) if id(cells[i]) not in had), None)
            if index is None:
                return
            cell = cells[index]
            had[id(cell)] = cell
            before = cells[: index + 1]
            yield index, cell

    async def async_execute_cell(
        self,
        cell: NotebookNode,
        cell_index: int,
        execution_count: int | None = None,
        store_history: bool = True,
    ) -> NotebookNode:
        """Execute one cell; when this returns or raises, the edits that it made are in ``nb``."""
        relay = self._relay
        if relay is None or self.kc is None:
            return await super().async_execute_cell(cell, cell_index, execution_count, store_history)
        relay.push()
        if relay.untold and cell.cell_type == "code":
            await self._async_settle(relay)
        session: Any = self.kc.session
        metadata = session.metadata
        # As frontends do it: the cell's code learns from its request which cell it is.
        session.metadata = {**metadata, "cellId": relay.cell_id(cell)}
        try:
            return await super().async_execute_cell(cell, cell_index, execution_count, store_history)
        finally:
            session.metadata = metadata
            await self._async_exchange(relay)

    execute_cell = run_sync(async_execute_cell)
    """Do as `async_execute_cell`, in code that is not async."""

    @asynccontextmanager
    async def async_setup_kernel(self, **kwargs: Any) -> AsyncGenerator[None, None]:
        """Start the kernel and link it; for both, the end comes also after an error."""
        async with super().async_setup_kernel(**kwargs):
            await self._async_link()
            try:
                yield
            finally:
                await self._async_unlink()

    @contextmanager
    def setup_kernel(self, **kwargs: Any) -> Generator[None, None, None]:
        """Start the kernel and link it, where there is no event loop."""
        with super().setup_kernel(**kwargs):
            self._link()
            try:
                yield
            finally:
                self._unlink()

    def _live_path(self) -> str:
        name = self.resources.get("metadata", {}).get("name") or "notebook"
        return f"{name}.ipynb"

    async def _async_link(self) -> None:
        manager: Any = self.km
        try:
            self._relay = HeadlessRelay(self.nb, manager, self._live_path(), self.log)
        except (NotConnected, DocumentError, AttributeError, NotImplementedError) as error:
            # A kernel manager of another kind may have no connection info at all.
            self.log.warning("The notebook is executed, but not live: %s", error)

    _link = run_sync(_async_link)

    async def _async_unlink(self) -> None:
        relay, self._relay = self._relay, None
        if relay is not None:
            try:
                await self._async_exchange(relay)
            finally:
                await relay.aclose()

    _unlink = run_sync(_async_unlink)

    async def _async_settle(self, relay: HeadlessRelay) -> None:
        if self.kc is not None and await ensure_async(self.kc.is_alive()):  # type: ignore[attr-defined]
            await relay.settle()

    async def _async_exchange(self, relay: HeadlessRelay) -> None:
        await self._async_settle(relay)
        old = list(self.nb.cells)
        redrawn = relay.exchange()
        # nbclient finds displays again by the cell's index and the output's.
        where = {id(cell): index for index, cell in enumerate(self.nb.cells)}
        for places in self._display_id_map.values():
            moved = {
                where[id(old[index])]: outputs
                for index, outputs in places.items()
                if id(old[index]) in where and id(old[index]) not in redrawn
            }
            places.clear()
            places.update(moved)
