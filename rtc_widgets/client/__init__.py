"""The same live handle from any process: connect to a server, or work on a local file."""

from __future__ import annotations
