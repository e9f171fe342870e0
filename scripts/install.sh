#!/usr/bin/env bash
# Install one lock file (hashes checked) into .venv, then the project itself; leave a stamp when both are there.
# Usage: scripts/install.sh LOCK STAMP
set -eu
lock=$1 stamp=$2
echo "Installing the packages of $lock …"
if command -v uv >/dev/null; then
  uv pip install -q --python .venv/bin/python --require-hashes -r "$lock"
else
  .venv/bin/python -m pip install -qq --disable-pip-version-check --require-hashes --no-deps -r "$lock"
fi
.venv/bin/python -c 'import setuptools' 2>/dev/null || { echo ".venv has no setuptools: remove .venv and run again" >&2; exit 1; }
.venv/bin/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
touch "$stamp"
