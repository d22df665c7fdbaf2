"""The claim on a log, and logs that there cannot be."""

from __future__ import annotations

import os
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
