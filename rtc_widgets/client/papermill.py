"""papermill's engine ``rtc_widgets``: parameterized runs of notebooks that edit themselves."""

from __future__ import annotations

from typing import Any

try:
    from papermill.clientwrap import PapermillNotebookClient  # type: ignore[import-untyped]
    from papermill.engines import NBClientEngine  # type: ignore[import-untyped]
    from papermill.log import logger  # type: ignore[import-untyped]
except ImportError as missing:
    raise ImportError(
        "This is an engine of papermill, which is not installed here: pip install papermill"
    ) from missing
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode

from rtc_widgets.client.nbclient import LiveNotebookClient

__all__ = ["LiveEngine", "LivePapermillClient"]


class LivePapermillClient(PapermillNotebookClient, LiveNotebookClient):  # type: ignore[misc]
    """Execute cells as `LiveNotebookClient` does, and keep papermill's account of each."""

    def papermill_execute_cells(self) -> None:
        """Execute the cells, as the parent does, but each as the notebook stands when its turn comes."""
        for index, cell in self.cells_in_turn():
            self._account(cell)
            try:
                self.nb_man.cell_start(cell, index)
                self.execute_cell(cell, index)
            except CellExecutionError as error:
                self._account(cell)
                self.nb_man.cell_exception(cell, cell_index=index, exception=error)
                break
            finally:
                # papermill expects its metadata in every cell, also in one that has come just now.
                for node in (cell, *self.nb.cells):
                    self._account(node)
                self.nb_man.cell_complete(cell, cell_index=index)

    def _account(self, cell: NotebookNode) -> None:
        if "papermill" not in cell.metadata:
            keys = ("exception", "start_time", "end_time", "duration")
            cell.metadata["papermill"] = NotebookNode(dict.fromkeys(keys), status=self.nb_man.PENDING)


class LiveEngine(NBClientEngine):  # type: ignore[misc]
    """Run a notebook: ``papermill --engine rtc_widgets in.ipynb out.ipynb``."""

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: Any,
        kernel_name: str,
        log_output: bool = False,
        stdout_file: Any = None,
        stderr_file: Any = None,
        start_timeout: int = 60,
        execution_timeout: int | None = None,
        **kwargs: Any,
    ) -> Any:
        """Execute the notebook that *nb_man* manages; the options are those of papermill's own engine."""
        options = {
            key: value
            for key, value in kwargs.items()
            if key not in {"input_path", "timeout", "startup_timeout"}
        }
        return LivePapermillClient(
            nb_man,
            **options,
            timeout=execution_timeout or kwargs.get("timeout"),
            startup_timeout=start_timeout,
            kernel_name=kernel_name,
            log=logger,
            log_output=log_output,
            stdout_file=stdout_file,
            stderr_file=stderr_file,
        ).execute()
