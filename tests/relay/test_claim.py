"""The claim on a log, and logs that there cannot be."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from rtc_widgets.errors import StoreError
from rtc_widgets.relay.claim import Claim


def test_where_there_can_be_no_log_it_is_said_where_and_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"file/log\.sqlite.*RelayApp\.store_path"):
        Claim(tmp_path / "file" / "log.sqlite")


def test_what_it_makes_is_the_servers_alone_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        claim = Claim(tmp_path / "logs" / "log.sqlite")
    finally:
        os.umask(before)
    try:
        assert (claim.path.parent.stat().st_mode & 0o777) == 0o700
        assert (claim.path.with_suffix(".lock").stat().st_mode & 0o777) == 0o600
    finally:
        claim.release()


def test_a_claim_whose_file_was_deleted_is_made_again(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "log.sqlite"
    claim = Claim(log)
    shutil.rmtree(log.parent)
    claim.hold()
    other = Claim(log)
    assert other.path != log
    other.release()
    claim.release()
    claim.hold()  # nothing: it is over
    after = Claim(log)
    assert after.path == log
    after.release()


def test_who_lost_the_claim_meanwhile_is_told(tmp_path: Path) -> None:
    log = tmp_path / "log.sqlite"
    claim = Claim(log)
    log.with_suffix(".lock").unlink()
    other = Claim(log)
    assert other.path == log
    with pytest.raises(StoreError, match="another server has it since. Stop one of the two"):
        claim.hold()
    other.release()
    claim.hold()
    third = Claim(log)
    assert third.path != log
    third.release()
    claim.release()


def test_a_claim_that_cannot_be_looked_at_is_not_taken_for_one_that_is_gone(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "log.sqlite"
    claim = Claim(log)
    log.parent.rename(tmp_path / "moved")
    log.parent.symlink_to(log.parent)  # a loop
    with pytest.raises(OSError, match=r"log\.lock"):
        claim.hold()
    log.parent.unlink()
    claim.hold()
    assert log.with_suffix(".lock").exists()
    claim.release()
