#!/usr/bin/env bash
# Find what the browser tests need (Chromium, libatomic1, a Chinese font) or install it where we may.
# Chromium without windows is enough and quicker; the whole browser will do where it cannot be had.
# Without either the browser tests skip with one line; with CI=true they fail instead.
set -u
need=()
command -v chromium-headless-shell >/dev/null || need+=(chromium-headless-shell)
ldconfig -p 2>/dev/null | grep -q libatomic.so.1 || need+=(libatomic1)
find /usr/share/fonts -iname '*wqy*' -o -iname '*noto*cjk*' 2>/dev/null | grep -q . || need+=(fonts-wqy-microhei)
[ ${#need[@]} -eq 0 ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "Installing ${need[*]} …"
  if apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${need[@]}" >/dev/null; then exit 0; fi
fi
[ "${need[*]}" = chromium-headless-shell ] && command -v chromium >/dev/null && exit 0
echo "The browser tests will be skipped: sudo apt-get install -y ${need[*]}"
[ "${CI:-}" = true ] && exit 1
exit 0
