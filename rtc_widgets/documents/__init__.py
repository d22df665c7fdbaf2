"""Live documents: text, notebooks and their cells over a CRDT, and what people say about them."""

from __future__ import annotations
