# Sourced by the scripts beside it, never run: where the project is, its virtual environment, and a browser.
# shellcheck shell=bash
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

VENV=${RTC_WIDGETS_VENV:-$PWD/.venv}

say() { printf '\n== %s\n' "$*"; }

die() {
    printf '%s\n' "$*" >&2
    exit 1
}

# Print a Python that is new enough: $PYTHON, else the first one found.
find_python() {
    local candidate
    for candidate in ${PYTHON:-} python3 python3.13 python3.12 python3.11 python; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            printf '%s\n' "$candidate"
            return
        fi
    done
    die "There is no Python 3.11 or newer on PATH: install one, or name it with PYTHON=/path/to/python."
}

# Create a virtual environment, unless it is there: make_venv FOLDER
make_venv() {
    [ -x "$1/bin/python" ] && return
    local python
    python=$(find_python)
    "$python" -m venv "$1" || die "$python cannot make a virtual environment: on Debian, apt-get install python3-venv."
}

# Print a file that goes into a build and is newer than FILE, if there is one: newer_than FILE
newer_than() {
    find pyproject.toml hatch_build.py install.json jupyter-config rtc_widgets/_version.py labextension \
        \( -name node_modules -o -name lib -o -name .yarn -o -name test \) -prune -o \
        -type f ! -name '*.tsbuildinfo' ! -name .eslintcache -newer "$1" -print -quit
}

# Install the checkout, editable, into $VENV, and put that first on PATH:
#   install_checkout EXTRA [EXTRA THAT INCLUDES IT...]
#
# Does nothing where that was done since the last change of what is built: an editable install follows Python by itself,
# but JavaScript and metadata are copied.
install_checkout() {
    local extra
    make_venv "$VENV"
    export PATH="$VENV/bin:$PATH"
    for extra in "$@"; do
        if [ -f "$VENV/.installed-$extra" ] && [ -d rtc_widgets/labextension ] &&
            [ -z "$(newer_than "$VENV/.installed-$extra")" ]; then
            return
        fi
    done
    say "Installing rtc_widgets[$1] into $VENV (the first time this takes minutes)"
    touch "$VENV/.installing"
    python -m pip install --disable-pip-version-check -qq --editable ".[$1]"
    mv "$VENV/.installing" "$VENV/.installed-$1"
}

# Print the browser that tests/browser drives; false where there is none.
find_chromium() {
    if [ -n "${RTC_WIDGETS_CHROMIUM:-}" ]; then
        printf '%s\n' "$RTC_WIDGETS_CHROMIUM"
    else
        command -v chromium || command -v google-chrome
    fi
}

# Make sure that there is such a browser; where it cannot be had, say how to get it, and return false.
ensure_chromium() {
    find_chromium >/dev/null && return
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        say "Installing Chromium for the browser tests"
        apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null
        find_chromium >/dev/null && return
    fi
    printf '%s\n' "There is no Chromium on PATH, so the tests in tests/browser cannot run. On Debian and Ubuntu:" \
        "sudo apt-get install chromium. Elsewhere, name a Chromium or Chrome with RTC_WIDGETS_CHROMIUM=/path/to/it." >&2
    return 1
}
