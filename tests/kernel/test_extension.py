"""Where the extension is loaded: in every kind of IPython, early and late."""

from __future__ import annotations

import subprocess
import sys

from support.kernels import ROOT, Hub, Kernel, until


def python(code):
    """Run *code* in a process of its own and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_in_a_plain_ipython_it_loads_with_a_sentence_and_notebook_raises_it(tmp_path):
    printed = python(
        f"import os; os.environ['IPYTHONDIR'] = {str(tmp_path)!r}\n"
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "ip = InteractiveShell.instance()\n"
        "ip.run_line_magic('load_ext', 'rtc_widgets')\n"
        "import rtc_widgets\n"
        "try: rtc_widgets.notebook()\nexcept rtc_widgets.NotConnected as error: print('raised', error)\n"
        "print(rtc_widgets.notebook(required=False))\n"
        "ip.run_line_magic('unload_ext', 'rtc_widgets')\n"
    )
    said, raised, nothing = printed.splitlines()
    assert said.startswith("rtc_widgets: This IPython is not a Jupyter kernel")
    assert raised.startswith("raised This IPython is not a Jupyter kernel")
    assert nothing == "None"


def test_outside_ipython_notebook_says_what_to_do():
    printed = python(
        "import rtc_widgets\ntry: rtc_widgets.notebook()\nexcept rtc_widgets.NotConnected as error: print(error)"
    )
    assert "in JupyterLab" in printed


def test_a_kernel_that_is_not_ipykernels_is_named(tmp_path):
    printed = python(
        f"import os; os.environ['IPYTHONDIR'] = {str(tmp_path)!r}\n"
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "class Foreign: pass\n"
        "ip = InteractiveShell.instance(); ip.kernel = Foreign()\n"
        "ip.run_line_magic('load_ext', 'rtc_widgets')\n"
    )
    assert printed.startswith("rtc_widgets: This kernel (__main__) has no channels")


def test_importing_it_loads_no_tornado_and_no_server():
    printed = python(
        "import sys\nimport rtc_widgets.kernel.extension, rtc_widgets.kernel.api\n"
        "print([name for name in ('tornado', 'zmq', 'jupyter_client', 'jupyter_server', 'IPython', 'ipywidgets')"
        " if name in sys.modules])"
    )
    assert printed == "[]\n"


async def test_a_kernel_may_load_it_before_it_starts(tmp_path, notebook):
    """From a profile: `Kernel.start` then sets the control stream's callback anew."""
    kernel = Kernel(tmp_path)
    await kernel.start(["--ext=rtc_widgets"])
    hub = Hub(kernel.manager, notebook)
    code = "import rtc_widgets\nnb = rtc_widgets.notebook()\nnb[0].source += '!'\nprint(nb[0].source)"
    assert await kernel.run(code) == "x = 1!\n"
    await until(lambda: notebook.source() == "x = 1!")
    await hub.aclose()
    await kernel.aclose()


async def test_a_kernel_without_a_control_stream_hears_between_cells_and_says_so(kernel, hub, notebook):
    printed = await kernel.run(
        "get_ipython().kernel.control_stream = None\n%load_ext rtc_widgets\nimport rtc_widgets"
    )
    assert "between cells" in printed
    await until(lambda: hub.was_heard(notebook))
    assert (
        await kernel.run("nb = rtc_widgets.notebook()\nnb[0].source += '!'\nprint(nb[0].source)")
        == "x = 1!\n"
    )
    await until(lambda: notebook.source() == "x = 1!")
    notebook.type("?")
    await until(lambda: hub.link._flows[notebook.comm_id].sender.due() is None)
    assert await kernel.run("print(nb[0].source)") == "x = 1!?\n"
    assert hub.hellos[-1].ways == ["shell"]
