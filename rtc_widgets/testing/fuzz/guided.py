"""``python -m rtc_widgets.testing fuzz``: one target, guided by coverage (the extra ``fuzz``), in a process of its own.

A process of its own, since what is imported before it is instrumented says nothing of its coverage, and since what is
found may end it.
"""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import time
from pathlib import Path

__all__ = ["TARGETS", "fuzz", "keep"]

TARGETS = ("frame", "frames", "message", "link", "versions", "vectors", "updates", "room", "stock", "kernels")
"""What can be fed: decoders, a room's document with updates, and a room to which somebody sends anything: one with our
own client, one with a stock Yjs client, a kernel."""

_AGAIN = "RTC_WIDGETS_FUZZ_AGAIN"
# Rooms are not wholly given back (pycrdt), so after as many inputs another process goes on.
_RUNS, _HEAVY = 5000, ("updates", "room", "stock", "kernels")
# Seconds that one input may take, MB, and bytes of one.
_LIMITS = ("-timeout=20", "-rss_limit_mb=3000", "-max_len=2048", "-len_control=20")


def fuzz(target: str, seconds: int, corpus: Path, work: Path, *, seed: int = 0) -> int:
    """Try inputs for some time; return the exit status: not 0 where one was found that breaks something.

    Args:
        target: of `TARGETS`.
        seconds: how long.
        corpus: a folder with a folder of inputs for each target, which are where it begins.
        work: a folder for what reaches new code, and what breaks something.
        seed: of the dice; 0 for a fresh one.
    """
    new, found = work / target, work / "found"
    for folder in (corpus / target, new, found):
        folder.mkdir(parents=True, exist_ok=True)
    end = time.monotonic() + seconds
    while (left := round(end - time.monotonic())) > 0:
        options = [f"-max_total_time={left}", f"-artifact_prefix={found}/{target}-", "-print_final_stats=1"]
        if target in _HEAVY:
            options.append(f"-runs={_RUNS}")
        status = _run(target, [*_LIMITS, *options, f"-seed={seed}", str(new), str(corpus / target)])
        if status:
            return status
        seed += bool(seed)
    return 0


def keep(target: str, corpus: Path, work: Path) -> int:
    """Add to the corpus what reaches code that nothing in it does, and no more."""
    (corpus / target).mkdir(parents=True, exist_ok=True)
    # libFuzzer runs itself again, by its name, when an input ends it.
    again = (work / f"again-{target}").resolve()
    again.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m {__spec__.name} {target} "$@"\n')
    again.chmod(0o755)
    options = ["-merge=1", str(corpus / target), str(work / target)]
    return _run(target, [*_LIMITS, *options], again)


def _run(target: str, options: list[str], again: Path | None = None) -> int:
    environment = {**os.environ, _AGAIN: str(again)} if again is not None else None
    command = [sys.executable, "-m", __spec__.name, target, *options]
    return subprocess.run(command, check=False, env=environment).returncode  # noqa: S603 - our own module


def main() -> None:
    """Run libFuzzer on the target that the command line names."""
    atheris = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["rtc_widgets"]):
        targets = importlib.import_module("rtc_widgets.testing.fuzz.targets")
    target = targets.TARGETS[sys.argv[1]]
    atheris.Setup([os.environ.get(_AGAIN, sys.argv[0]), *sys.argv[2:]], lambda data: target(data) and None)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
