"""Do the sums in a notebook: python edit_from_a_script.py NOTEBOOK, its path or the address that the browser shows.

A line such as "1 + 2 =" in the cell with the tag "sums" gets its result, until the cell says "stop".
"""

from __future__ import annotations

import re
import sys
import time

import rtc_widgets


def solved(text: str) -> str:
    """Return the text with the results of its sums."""
    return re.sub(
        r"(\d+) \+ (\d+) =$",
        lambda found: f"{found[0]} {int(found[1]) + int(found[2])}",
        text,
        flags=re.MULTILINE,
    )


def answer(cell: rtc_widgets.Cell) -> None:
    """Write the results into the cell, unless somebody typed into it meanwhile."""
    version = cell.version
    text = solved(cell.source)
    time.sleep(0.5)  # real programs think longer
    try:
        cell.edit(text, if_unchanged=version)
    except rtc_widgets.StaleCell:
        print("You typed while I thought. I hear of that, too, and think again.")


def main(notebook: str) -> None:
    """Do the sums until we are told to stop."""
    where = {"url": notebook} if "://" in notebook else {"path": notebook}
    with rtc_widgets.connect(**where) as nb:
        nb.on_change("source", lambda change: answer(change.cell), cell="#sums")
        nb.status("doing sums")
        answer(nb["#sums"])
        nb.wait_for(lambda: "stop" in nb["#sums"].source).result()


if __name__ == "__main__":
    main(sys.argv[1])
