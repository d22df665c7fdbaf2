"""The version of the package.

The same as ``version`` in labextension/package.json, held by tests/test_package.py.
"""

from __future__ import annotations

__all__ = ["__version__"]

__version__ = "0.1.0"
