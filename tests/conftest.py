"""What holds for every test: which kind it is, in which order the kinds run, and when it may be skipped."""

from __future__ import annotations

import os
import signal
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# A busy machine is slow, and that says nothing about the code.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

HERE = Path(__file__).parent
KINDS = ("browser", "e2e", "interop")
# With RTC_WIDGETS_NO_SKIP=1, as in CI, these fail where they would be skipped: no browser is no green run.
MUST_RUN = ("browser", "interop")
# These start servers and kernels: 2 s each on an idle machine, and 20 where two cores do much else.
STARTING = ("client", "e2e", "kernel")


def kind_of(path: Path) -> str | None:
    """Return the kind of the tests in *path*, which is the name of their folder."""
    if not path.is_relative_to(HERE):
        return None
    folder = path.relative_to(HERE).parts[0]
    return folder if folder in KINDS else None


def pytest_configure() -> None:
    """Hear interrupts, and have child processes hear them, also where a shell started this in the background.

    It then ignores SIGINT, children inherit that, and what waits for one would wait for ever.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test with its kind, give time to those that start servers and kernels, and run browsers last.

    Playwright's sync API keeps an event loop running until the session ends; beside it no async test can.
    """
    for item in items:
        if kind := kind_of(item.path):
            item.add_marker(kind)
        starts = any(item.path.is_relative_to(HERE / folder) for folder in STARTING)
        if starts and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(120))
    items.sort(key=lambda item: kind_of(item.path) == "browser")


def refuse_skip(report: pytest.TestReport | pytest.CollectReport, path: Path) -> None:
    """Turn a skip into a failure, where the tests of *path* must run."""
    if not report.skipped or os.environ.get("RTC_WIDGETS_NO_SKIP") != "1" or kind_of(path) not in MUST_RUN:
        return
    if hasattr(report, "wasxfail"):
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
    report.outcome = "failed"
    report.longrepr = f"{path.relative_to(HERE.parent)} must run here (RTC_WIDGETS_NO_SKIP=1). {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    refuse_skip(report, item.path)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    refuse_skip(report, collector.path)
    return report
