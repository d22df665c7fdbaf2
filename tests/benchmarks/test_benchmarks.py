"""The benchmarks run, and their ways of doing a thing do the same; how long it takes is nobody's business here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# A figure, twice a ratio; the cell of a way that a case does not know holds a dash.
COLUMNS = 6


def benchmarks(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks", "--cells", "12", "--least", "1", "--most", "1", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=110)


@pytest.mark.timeout(120)
def test_every_case_of_the_handle_runs_and_is_in_the_table(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    ended = benchmarks("handle", "--json", str(file))
    assert ended.returncode == 0, ended.stderr
    raw = json.loads(file.read_text())
    cases = raw["topics"]["handle"]
    assert len(cases) > 20
    rows = [line.strip("|").split(" | ") for line in ended.stdout.splitlines() if line.startswith("|")]
    assert [row[0].strip() for row in rows[2:]] == [case["name"] for case in cases]
    assert {len(row) for row in rows[2:]} == {COLUMNS}
    for case in cases:
        assert "rtc_widgets" in case["figures"] and "pycrdt" in case["figures"]
        assert all(len(figures) == 1 and figures[0] > 0 for figures in case["figures"].values())


@pytest.mark.timeout(120)
def test_memory_is_measured_in_processes_of_its_own() -> None:
    ended = benchmarks("memory", "-k", "opened", "--json", "-")
    assert ended.returncode == 0, ended.stderr
    (case,) = json.loads(ended.stdout)["topics"]["memory"]
    assert case["unit"] == "bytes" and case["figures"].keys() == {"rtc_widgets", "pycrdt", "nbformat"}
    assert "opened" in ended.stderr


def test_a_topic_that_is_not_there_is_told() -> None:
    ended = benchmarks("nothing")
    assert ended.returncode == 2
    assert "browser, comments, handle, kernel, memory, opening, relay, rounds, store" in ended.stderr


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("topic", "word", "beside"),
    [
        ("relay", "8 clients", "tornado broadcast"),
        ("store", "", "SQLite"),
        ("kernel", "1 tab", "comm, bare ZMQ"),
    ],
)
def test_what_needs_servers_is_measured_beside_its_floor(topic: str, word: str, beside: str) -> None:
    ended = benchmarks(topic, "-k", word, "--quick", "--without-peers", "--json", "-")
    assert ended.returncode == 0, ended.stderr
    cases = json.loads(ended.stdout)["topics"][topic]
    assert len(cases) >= 4 and "failed" not in ended.stderr
    for case in cases:
        assert case["figures"].keys() == {"rtc_widgets", beside}, case["name"]
        assert all(figures[0] > 0 for figures in case["figures"].values())


@pytest.mark.timeout(120)
def test_notebooks_are_opened_cold_warm_and_from_the_log() -> None:
    ended = benchmarks("opening", "--quick", "--without-peers", "--json", "-")
    assert ended.returncode == 0, ended.stderr
    names = {case["name"] for case in json.loads(ended.stdout)["topics"]["opening"]}
    assert {f"opened: 1 MB, {how}" for how in ("cold", "from the log", "warm", "memory")} < names


@pytest.mark.timeout(120)
def test_rounds_leave_no_descriptor_open_and_lose_nothing() -> None:
    ended = benchmarks("rounds", "--quick", "--without-peers", "--json", "-")
    assert ended.returncode == 0 and "failed" not in ended.stderr, ended.stderr
    figures = {
        case["name"]: case["figures"]["rtc_widgets"] for case in json.loads(ended.stdout)["topics"]["rounds"]
    }
    for who in ("a tab", "a stock Yjs client"):
        assert figures[f"1 MB, by {who}: descriptors more at the end"] == [0]


def test_each_topic_has_a_place_for_its_table() -> None:
    page = (ROOT / "docs/performance.md").read_text()
    for topic in ("browser", "comments", "handle", "kernel", "memory", "opening", "relay", "rounds", "store"):
        assert page.count(f"<!-- table: {topic} -->") == 1
