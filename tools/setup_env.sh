#!/usr/bin/env bash
# Makes this checkout's Python environment: finds a Python that fits and hands over to prepare.py.
#
#   bash tools/setup_env.sh [--profile default|originals]
#
# PYTHON                 the Python to use, instead of the first that fits
# MMDET_EFPN_WHEEL_DIR   where built mmcv wheels are kept (default: the user's cache folder)
# MAX_JOBS               how many files to compile at once
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"

version_of() {
    "$1" -c 'import sys; sys.stdout.write("%d.%d" % sys.version_info[:2])' 2>/dev/null || true
}

fits() {
    case "$1" in 3.10 | 3.11 | 3.12) return 0 ;; *) return 1 ;; esac
}

seen=""
if [ -n "${PYTHON:-}" ]; then
    candidates=("$PYTHON")
else
    candidates=(python3.11 python3.12 python3.10 python3 python)
fi
for candidate in "${candidates[@]}"; do
    version="$(version_of "$candidate")"
    if fits "$version"; then
        exec "$candidate" "$root/tools/environment/prepare.py" "$@"
    fi
    if [ -n "$version" ]; then seen="$seen $candidate is $version,"; fi
done

if [ -n "$seen" ]; then
    echo "set-up: Python 3.10, 3.11 or 3.12 is needed, but${seen%,};" \
        "install one of these, or name it: PYTHON=/path/to/python3.11 make setup" >&2
elif [ -n "${PYTHON:-}" ]; then
    echo "set-up: PYTHON=$PYTHON does not run; name a Python 3.10, 3.11 or 3.12" >&2
else
    echo "set-up: no Python was found; install Python 3.10, 3.11 or 3.12" >&2
fi
exit 1
