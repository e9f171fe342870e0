#!/usr/bin/env bash
# Make .venv with the machine's python3. Debian splits venv into a package of its own: install it where we may,
# else name the one line that does.
set -eu
python=$(command -v python3.11 || command -v python3) || { echo "python3 is missing: apt-get install python3" >&2; exit 1; }
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing python3-venv …"
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3-venv >/dev/null
  else
    echo "This machine's Python has no venv. Run once: sudo apt-get install -y python3-venv" >&2
    exit 1
  fi
fi
"$python" -m venv .venv
