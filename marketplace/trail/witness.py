"""A witness: a process of somebody outside that remembers the newest checkpoint of one log and never goes back.

Enters: checkpoints over HTTP in the C2SP tlog-witness form (``old SIZE``, the consistency proof, an empty line, the
note). Leaves: a time-stamped cosignature, or a refusal; a checkpoint that the log signed and that contradicts what was
seen before is kept as evidence. It knows nothing of the house: a folder, a key of its own, the log's public key. Run
by `shanqiao witness` on a machine that the operator does not control.
"""

from __future__ import annotations

import base64
import hashlib
import os
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from marketplace.keyring import new_key, read_ring, write_key
from marketplace.trail import notes
from shanqiao_verify import Checkpoint, Refused, check_checkpoint, check_consistency, parse_note

MOST_BYTES, MOST_EVIDENCE = 64 * 1024, 1000
STATE, KEY, EVIDENCE = "newest.txt", "witness.key", "evidence"


class Witness:
    """What one witness remembers; `add` is the whole of its mind."""

    def __init__(self, folder: Path, *, name: str, log: str, clock: Callable[[], float] = time.time) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not (folder / KEY).exists():
            write_key(folder / KEY, new_key())
        self._key = Ed25519PrivateKey.from_private_bytes(read_ring(folder / KEY).newest)
        self._folder, self._name, self._log, self._clock = folder, name, log, clock
        self._lock = threading.Lock()

    def verifier_key(self) -> str:
        """What the log's operator and every checker need to know of this witness."""
        return notes.verifier_key(self._name, self._key, notes.WITNESS)

    def newest(self) -> Checkpoint | None:
        """What it saw last."""
        file = self._folder / STATE
        return check_checkpoint(file.read_text(encoding="utf-8"), log=self._log) if file.exists() else None

    def add(self, request: str) -> tuple[int, str]:
        """(HTTP status, answer) to one request."""
        try:
            old, proof, note = _read(request)
        except (Refused, ValueError):
            return 400, "malformed\n"
        try:
            shown = check_checkpoint(note, log=self._log)
        except Refused:
            return 403, "not signed by the log\n"
        if old > shown.size:
            return 400, "the old size is larger than the checkpoint\n"
        with self._lock:
            return self._judge(request, note, shown=shown, old=old, proof=proof)

    def _judge(self, request: str, note: str, *, shown: Checkpoint, old: int, proof: list[bytes]) -> tuple[int, str]:
        seen = self.newest()
        known, root = (seen.size, seen.root) if seen else (0, hashlib.sha256(b"").digest())
        if shown.size == known and shown.root != root:
            self._keep_evidence(request)
            return 422, "fork: the same size with another root\n"
        if old != known:
            return 409, f"{known}\n"
        try:
            if known or proof:  # whatever comes first is believed
                check_consistency(old, shown.size, proof=proof, old_root=root, new_root=shown.root)
        except Refused:
            self._keep_evidence(request)
            return 422, "fork: history was rewritten, or the proof is wrong\n"
        _write(self._folder / STATE, note)
        body, _ = parse_note(note)
        return 200, notes.cosignature(self._name, self._key, body, at=int(self._clock()))

    def _keep_evidence(self, request: str) -> None:
        """Both statements of the log, side by side: two signed notes that cannot both be true."""
        (self._folder / EVIDENCE).mkdir(exist_ok=True)
        if sum(1 for _ in (self._folder / EVIDENCE).iterdir()) >= MOST_EVIDENCE:
            return
        file = self._folder / STATE
        before = file.read_text(encoding="utf-8") if file.exists() else ""
        name = hashlib.sha256(request.encode()).hexdigest()[:16]
        _write(self._folder / EVIDENCE / f"{name}.txt", f"seen before:\n{before}\nshown then:\n{request}")


def _read(request: str) -> tuple[int, list[bytes], str]:
    head, gap, note = request.partition("\n\n")
    first, *steps = head.split("\n")
    word, _, size = first.partition(" ")
    if word != "old" or not gap or not size.isdecimal() or len(steps) > 63:
        raise ValueError("malformed")
    return int(size), [base64.b64decode(step, validate=True) for step in steps], note


def _write(file: Path, text: str) -> None:
    """On the disk before anything is signed, so that a crash never makes the witness forget."""
    fresh = file.with_suffix(".new")
    with fresh.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    fresh.replace(file)


def server(witness: Witness, *, host: str, port: int) -> ThreadingHTTPServer:
    """The witness behind ``POST /add-checkpoint``; ``GET /key`` tells its verifier key."""

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", "0") or 0)
            if self.path != "/add-checkpoint" or not 0 < length <= MOST_BYTES:
                self._answer(404 if self.path != "/add-checkpoint" else 413, "")
                return
            try:
                text = self.rfile.read(length).decode("utf-8")
            except UnicodeDecodeError:
                self._answer(400, "malformed\n")
                return
            self._answer(*witness.add(text))

        def do_GET(self) -> None:
            known = self.path == "/key"
            self._answer(200 if known else 404, witness.verifier_key() + "\n" if known else "")

        def _answer(self, status: int, text: str) -> None:
            raw = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/plain; charset=utf-8")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, format: str, *arguments: object) -> None:
            """The state and the evidence are its log."""

    return ThreadingHTTPServer((host, port), Door)
