"""Carriers: each brings one document's frames from one peer to the other, in order."""

from __future__ import annotations
