"""Write docs/sbom.json: what this software is made of, as CycloneDX 1.6, from the lock file and the vendored files.

Enters: requirements.lock (names, versions, the digests that may be installed) and static/vendor/VENDOR.toml. Leaves:
the same document for the same two files: no clock and no chance in it, so that a test can compare. `make sbom` runs it.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "requirements.lock"
VENDOR = ROOT / "marketplace" / "static" / "vendor" / "VENDOR.toml"
PINNED = re.compile(
    r"^(?P<name>[A-Za-z0-9_.\-]+)(?:\[[^\]]*\])?==(?P<version>[^\s;\\]+)(?P<rest>(?:.|\n(?=\s))*)", re.M
)
DIGEST = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def libraries(lock: str) -> list[dict[str, Any]]:
    """One component for each pinned package, with every digest that the lock allows."""
    found = []
    for match in PINNED.finditer(lock):
        name, version = match["name"].lower(), match["version"]
        digests = DIGEST.findall(match["rest"])
        if not digests:
            raise SystemExit(f"{name} has no digest in the lock file")
        found.append(_component(name, version, f"pkg:pypi/{name}@{version}", digests))
    return found


def vendored(text: str) -> list[dict[str, Any]]:
    """One component for each front-end file that lies in the repository."""
    found = []
    for entry in tomllib.loads(text)["file"]:
        name, _at, version = entry["package"].rpartition("@")
        purl = f"pkg:npm/{name.replace('@', '%40')}@{version}"
        found.append(_component(f"{name}/{entry['name']}", version, purl, [entry["sha256"]]))
    return found


def _component(name: str, version: str, purl: str, digests: list[str]) -> dict[str, Any]:
    hashes = [{"alg": "SHA-256", "content": digest} for digest in digests]
    return {
        "type": "library",
        "name": name,
        "version": version,
        "purl": purl,
        "bom-ref": f"{purl}#{name}",
        "hashes": hashes,
    }


def document() -> dict[str, Any]:
    """The whole bill of materials."""
    lock, vendor = LOCK.read_text(encoding="utf-8"), VENDOR.read_text(encoding="utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    number = UUID(bytes=sha256((lock + vendor).encode()).digest()[:16], version=4)
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{number}",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": project["name"], "version": project["version"]}},
        "components": [*libraries(lock), *vendored(vendor)],
    }


def main() -> None:
    """Write it."""
    text = json.dumps(document(), indent=1, ensure_ascii=False) + "\n"
    (ROOT / "docs" / "sbom.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
