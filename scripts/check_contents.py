"""Check what the sdist and the wheel hold: the built assets, the hooks that enable them, nothing else."""

from __future__ import annotations

import sys
import tarfile
import zipfile
from fnmatch import fnmatch

LAB = "*.data/data/share/jupyter/labextensions/rtc-widgets"
WANTED = {
    ".whl": [
        "rtc_widgets/__init__.py",
        "rtc_widgets/py.typed",
        "rtc_widgets/widgets/loader.js",
        "rtc_widgets/widgets/static/widgets.js",
        f"{LAB}/install.json",
        f"{LAB}/package.json",
        f"{LAB}/static/remoteEntry.*.js",
        f"{LAB}/static/style.js",
        f"{LAB}/schemas/*",
        "*.data/data/etc/jupyter/jupyter_server_config.d/rtc_widgets.json",
        "*.dist-info/licenses/LICENSE",
    ],
    ".gz": [
        "*/PKG-INFO",
        "*/labextension/src/*",
        "*/labextension/yarn.lock",
        "*/rtc_widgets/labextension/static/remoteEntry.*.js",
        "*/rtc_widgets/widgets/static/widgets.js",
        "*/tests/conftest.py",
    ],
}
UNWANTED = [
    "*node_modules*",
    "*/.yarn/*",
    "*__pycache__*",
    "*.tsbuildinfo",
    "*/labextension/lib/*",
    "*/.venv*",
]
# One build, so one entry: two would mean that assets of an older build were packed as well.
ONCE = "*/static/remoteEntry.*.js"


def names(archive: str) -> list[str]:
    """Return the paths of the files in *archive*."""
    if archive.endswith(".whl"):
        with zipfile.ZipFile(archive) as wheel:
            return wheel.namelist()
    with tarfile.open(archive) as sdist:
        return [member.name for member in sdist if member.isfile()]


def faults(archive: str) -> list[str]:
    """Return one line for each thing that is wrong with *archive*."""
    held = names(archive)
    wanted = next(patterns for ending, patterns in WANTED.items() if archive.endswith(ending))
    found = [f"lacks {p}" for p in wanted if not any(fnmatch(name, p) for name in held)]
    found += [f"holds {name}" for name in held if any(fnmatch(name, p) for p in UNWANTED)]
    if (entries := sum(fnmatch(name, ONCE) for name in held)) > 1:
        found.append(f"holds {entries} builds of the lab extension")
    if archive.endswith(".whl"):
        found += [
            f"holds {name}" for name in held if name.startswith(("rtc_widgets/labextension/", "tests/"))
        ]
    print(f"{archive}: {len(held)} files, {'as it should be' if not found else 'wrong'}")
    return [f"{archive} {fault}" for fault in found]


if __name__ == "__main__":
    wrong = [fault for archive in sys.argv[1:] for fault in faults(archive)]
    sys.exit("\n".join(wrong) or None)
