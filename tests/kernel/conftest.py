"""A kernel, and a hub that is a link and one notebook."""

from __future__ import annotations

import pytest
from support.kernels import Hub, Kernel, Notebook, cell


@pytest.fixture
async def kernel(tmp_path):
    """A kernel that no server has started."""
    kernel = Kernel(tmp_path)
    await kernel.start()
    yield kernel
    await kernel.aclose()


@pytest.fixture
def notebook():
    return Notebook("work/a.ipynb", [cell("x = 1", "cell-0"), cell("# Títle 🌍", "cell-1", "markdown")])


@pytest.fixture
async def hub(kernel, notebook):
    """The server's side of that kernel, with one notebook."""
    hub = Hub(kernel.manager, notebook)
    yield hub
    await hub.aclose()
