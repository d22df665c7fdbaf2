"""Everything that a kernel can run at once edits one notebook, while somebody types into the same cells."""

from __future__ import annotations

import asyncio
import json
import re

import pytest
from support.kernel import Kernel
from support.tab import Tab

CONNECT = "%load_ext rtc_widgets\nimport rtc_widgets, threading, time, asyncio\nnb = rtc_widgets.notebook(timeout=20)\n"
MARK = re.compile(r"\[([\w-]+)\]")

# Eight threads, three tasks of the kernel's loop, a button, one that holds transactions open, and a callback; each
# puts marks of its own into the first cell, which all share, and into the second, third and fourth.
CROWD = """
shared, own, button_cell, log = nb[0], nb[1], nb[2], nb[3]
stop, errors, heard, clicks = threading.Event(), [], [], []

def guarded(run, *args):
    def guard():
        try: run(*args)
        except BaseException as error: errors.append(repr(error))
    thread = threading.Thread(target=guard)
    thread.start()
    return thread

def write(name, number):
    shared.text.append(f"[{name}-{number}]")
    with nb.transaction("two at once"):
        own.text.insert(0, f"[{name}-{number}]")
        own.tags.add(f"{name}")

def work(name):
    for number in range(30): write(name, number)

def hold():
    for number in range(5):
        with nb.transaction("long"):
            shared.text.insert(0, f"[held-{number}]")
            time.sleep(0.1)
            own.lines.append(f"[held-{number}]")

async def task(name):
    for number in range(30):
        write(name, number)
        await asyncio.sleep(0)

def changed(change):
    heard.append(len(shared.source))
    log.text.append(f"[log-{len(heard)}]")

def clicked(_):
    clicks.append(threading.current_thread() is threading.main_thread())
    button_cell.text.append(f"[click-{len(clicks)}]")
    shared.text.insert(0, f"[click-{len(clicks)}]")
"""


def marks(source: str) -> list[str]:
    return sorted(MARK.findall(source))


def marks_of(names: list[str], count: int) -> list[str]:
    return [f"{name}-{number}" for name in names for number in range(count)]


@pytest.mark.timeout(150)
async def test_a_crowd_in_one_kernel_and_a_person_in_the_same_cells(server):
    path = server.notebook("crowd.ipynb", "", "", "", "")
    async with Tab(server, path) as tab, Kernel(server, path) as kernel:
        await kernel.run(CONNECT + CROWD)
        subshell = await kernel.subshell()
        comm_id = await kernel.run(
            "import ipywidgets\nbutton = ipywidgets.Button()\nbutton.on_click(clicked)\n"
            "subscription = nb.on_change('source', changed, cell=shared, thread='any')\n"
            "print(button.comm.comm_id)",
            subshell=subshell,
        )
        running = await kernel.start(
            "threads = [guarded(work, f'thread{name}') for name in range(8)] + [guarded(hold)]\n"
            "await asyncio.gather(*(task(f'task{name}') for name in range(3)))\n"
            "while 'typed-39' not in shared.source or len(clicks) < 10: time.sleep(0.01)\n"
            "for thread in threads: thread.join(60)\n"
            "print(errors, any(thread.is_alive() for thread in threads), any(clicks))"
        )
        for number in range(40):
            tab.cell(0)["source"].insert(0, f"[typed-{number}]")
            tab.cell(1)["source"].insert(0, f"[typed-{number}]")
            if number < 10:
                await kernel.click(comm_id.strip(), subshell)
            await asyncio.sleep(0.02)
        await asyncio.wait_for(running.done.wait(), 90)
        assert running.error is None, running.error
        assert running.stdout == "[] False False\n", (
            "no thread failed or hangs, and clicks came in a subshell"
        )

        printed = await kernel.run(
            "nb.wait_for(lambda: heard[-1] == len(shared.source), 30).result()\nsubscription.close()\nnb.save()\n"
            "import json\nprint(json.dumps([cell.source for cell in nb] + [len(heard)]))"
        )
        *sources, heard = json.loads(printed)
        await tab.until(lambda: tab.sources == sources, "tab and kernel are equal")
        assert server.sources(path) == sources, "and the file is, which was saved"
        names = [*(f"thread{number}" for number in range(8)), *(f"task{number}" for number in range(3))]
        both = [*marks_of(names, 30), *marks_of(["held"], 5), *marks_of(["typed"], 40)]
        clicks = [f"click-{number}" for number in range(1, 11)]
        assert marks(sources[0]) == sorted([*both, *clicks])
        assert marks(sources[1]) == sorted(both)
        assert marks(sources[2]) == sorted(clicks)
        assert marks(sources[3]) == sorted(f"log-{number}" for number in range(1, heard + 1))


async def test_an_interrupt_in_the_middle_of_the_crowd_leaves_all_usable(server):
    path = server.notebook("stopped.ipynb", "", "", "", "")
    async with Tab(server, path) as tab, Kernel(server, path) as kernel:
        await kernel.run(CONNECT + CROWD)
        for turn in range(3):
            running = await kernel.start(
                f"threads = [guarded(work, f'turn{turn}-{{name}}') for name in range(4)] + [guarded(hold)]\n"
                f"button_cell.source = 'go {turn}'\n"
                "while True:\n    with nb.transaction('whole'):\n"
                "        log.text.append('<')\n        log.text.append('>')"
            )
            before = len(tab.sources[3])
            go = f"go {turn}"
            await tab.until(
                lambda: tab.sources[2] == go and len(tab.sources[3]) > before,  # noqa: B023 (called at once)
                "the loop edits",
            )
            await kernel.interrupt()
            await asyncio.wait_for(running.done.wait(), 30)
            assert running.error is not None and "KeyboardInterrupt" in running.error
            printed = await kernel.run(
                "for thread in threads: thread.join(40)\nbutton_cell.source = 'well'\n"
                "print(errors, any(thread.is_alive() for thread in threads))"
            )
            assert printed == "[] False\n"
        await kernel.run("nb.save()")
        await tab.until(lambda: tab.sources[2] == "well", "the document works")
        names = [f"turn{turn}-{name}" for turn in range(3) for name in range(4)]
        wanted = sorted([*marks_of(names, 30), *marks_of(["held"], 5) * 3])
        await tab.until(lambda: marks(tab.sources[0]) == wanted, "what the threads wrote is there")
        assert marks(tab.sources[1]) == wanted
        log = tab.sources[3]
        assert log == "<>" * (len(log) // 2), "no transaction was cut in two"
        await tab.until(lambda: server.sources(path) == tab.sources, "the file is equal")
