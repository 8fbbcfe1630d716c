#!/bin/sh
# Builds sdist and wheel into dist/, from the locked hatchling, and shows that the wheel is whole: it is installed into
# a fresh environment in a directory with a space in its name, alone with what it depends on, and runs the demo there.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
rm -rf dist
.venv/bin/python -m hatchling build

place=$(mktemp -d "${TMPDIR:-/tmp}/telex wheel XXXXXX")
trap 'rm -rf "$place"' EXIT
"${PYTHON:-python3}" -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --disable-pip-version-check dist/telex-*.whl
mkdir "$place/home"
cd "$place"
env -i HOME="$place/home" PATH="$place/env/bin:/usr/bin:/bin" LANG=C.UTF-8 telex demo
echo "wheel.sh: $(basename "$root"/dist/telex-*.whl) and $(basename "$root"/dist/telex-*.tar.gz) are in dist/" >&2
