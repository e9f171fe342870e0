"""Static files under names that carry their hash, compressed, kept by browsers for a year.

`asset("app.css")` in a template gives the address. The hashed and gzipped copies live in the instance folder and
are made at start when stale; WhiteNoise serves them before a request reaches the app.
"""

import gzip
import hashlib
import os
from pathlib import Path
from wsgiref.headers import Headers

from flask import Flask, current_app
from whitenoise import WhiteNoise

SOURCE = Path(__file__).parent.parent / "static"
SERVED = {".css", ".js", ".svg", ".png"}
PREFIX = "/static/"


def install(app: Flask, *, instance: Path) -> None:
    """Copy, compress and serve; give templates `asset`."""
    names = prepare(instance / "static")
    app.extensions["assets"] = names
    app.jinja_env.globals["asset"] = address
    noise = WhiteNoise(
        app.wsgi_app, allow_all_origins=False, immutable_file_test=_immutable, add_headers_function=_own_host_only
    )
    noise.add_files(str(instance / "static"), prefix=PREFIX)
    app.wsgi_app = noise  # type: ignore[method-assign]


def prepare(target: Path, *, source: Path = SOURCE) -> dict[str, str]:
    """Write each file once under its hashed name, with a gzipped twin; return source name ► hashed name."""
    target.mkdir(parents=True, exist_ok=True)
    names = {}
    for path in sorted(p for p in source.rglob("*") if p.suffix in SERVED):
        body = path.read_bytes()
        hashed = f"{path.stem}.{hashlib.sha256(body).hexdigest()[:12]}{path.suffix}"
        names[path.relative_to(source).as_posix()] = hashed
        if not (target / hashed).exists():
            _write(target / hashed, body)
    return names


def _write(path: Path, body: bytes) -> None:
    (path.parent / (path.name + ".gz")).write_bytes(gzip.compress(body, 9, mtime=0))
    half = path.with_name(f"{path.name}.{os.getpid()}.half")
    half.write_bytes(body)
    half.replace(path)


def _immutable(path: str, url: str) -> bool:
    return True


def _own_host_only(headers: Headers, path: str, url: str) -> None:
    headers["Cross-Origin-Resource-Policy"] = "same-origin"
    headers["X-Content-Type-Options"] = "nosniff"


def address(name: str) -> str:
    """The hashed address of a static file, for redirects."""
    return PREFIX + str(current_app.extensions["assets"][name])
