"""``LiveExecutePreprocessor``: nbconvert's execution, for notebooks that edit themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

try:
    from nbconvert.preprocessors import ExecutePreprocessor
except ImportError as missing:
    raise ImportError(
        "LiveExecutePreprocessor is a preprocessor of nbconvert, which is not installed here: pip install nbconvert"
    ) from missing
from nbclient import NotebookClient
from traitlets import Bool

from rtc_widgets.client.nbclient import LiveNotebookClient

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = ["LiveExecutePreprocessor"]


class LiveExecutePreprocessor(ExecutePreprocessor, LiveNotebookClient):
    r"""Execute the notebook as `LiveNotebookClient` does; enabled where it is named.

    On the command line, instead of ``--execute``::

        jupyter nbconvert --to notebook report.ipynb \
            --Exporter.preprocessors=rtc_widgets.client.nbconvert.LiveExecutePreprocessor
    """

    enabled = Bool(True).tag(config=True)
    """Whether anything is executed."""

    def preprocess(
        self, nb: NotebookNode, resources: Any = None, km: Any = None
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """Execute *nb*, as the parent does, but with cells picked as the notebook stands when their turn comes."""
        NotebookClient.__init__(self, nb, km)
        self.reset_execution_trackers()
        self._check_assign_resources(resources)  # type: ignore[no-untyped-call]
        with self.setup_kernel():
            assert self.kc is not None
            info: Any = self.wait_for_reply(self.kc.kernel_info())
            self.nb.metadata["language_info"] = info["content"]["language_info"]
            for index, cell in self.cells_in_turn():
                self.preprocess_cell(cell, resources, index)  # type: ignore[no-untyped-call]
        self.set_widgets_metadata()
        return self.nb, self.resources
