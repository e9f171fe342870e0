#!/usr/bin/env bash
# Fetch the vendored front-end files anew at the versions named in VENDOR.toml and check their sha256.
# Needs npm and network; nobody else does, the files are committed. A new version: edit VENDOR.toml, run, commit.
set -eu
cd "$(dirname "$0")/../marketplace/static/vendor"
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 - <<'PY' > "$work/list"
import tomllib
for entry in tomllib.load(open("VENDOR.toml", "rb"))["file"]:
    print(entry["package"], entry["source"], entry["name"], entry["sha256"])
PY
while read -r package source name sha; do
  (cd "$work" && npm pack --silent --ignore-scripts "$package" >/dev/null && mkdir -p "$name" \
    && tar xzf "$(ls -t ./*.tgz | head -1)" -C "$name" && rm -f ./*.tgz)
  cp "$work/$name/package/$source" "$name"
  cp "$work/$name/package/LICENSE" "$name.LICENSE"
  echo "$sha  $name" | sha256sum --check --quiet && echo "$name from $package"
done < "$work/list"
