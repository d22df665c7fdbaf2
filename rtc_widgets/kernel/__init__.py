"""What runs in the IPython kernel: the extension, its session with the relay, and ``notebook()``."""

from __future__ import annotations
