"""The server itself: whose word about the caller counts, where a message ends, and what a line of the log may hold."""

from __future__ import annotations

import logging
import re
import socket
from collections.abc import Iterator
from contextlib import closing

import pytest
from flask import Flask, request

from marketplace import serving
from tests.running import running


def _app() -> Flask:
    app = Flask("echo")

    @app.route("/who", methods=["GET", "POST"])
    def who() -> str:
        return f"{request.remote_addr} {request.scheme} {len(request.get_data())}"

    return app


@pytest.fixture(params=["", "127.0.0.1"], ids=["alone", "behind a proxy"])
def port(request: pytest.FixtureRequest) -> Iterator[tuple[int, bool]]:
    """The server on a free port, and whether this machine is its trusted proxy."""
    server = serving.listen(_app(), host="127.0.0.1", port=0, trusted_proxy=request.param)
    with running(server) as number:
        yield number, bool(request.param)


def _said(port: int, text: str) -> str:
    with closing(socket.create_connection(("127.0.0.1", port), timeout=5)) as door:
        door.sendall(text.encode())
        said = b""
        while part := door.recv(65536):
            said += part
    return said.decode()


@pytest.mark.threat("T15")
def test_only_the_named_proxy_says_who_calls_and_over_what(port: tuple[int, bool]) -> None:
    number, trusted = port
    lies = "X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Proto: https\r\n"
    answer = _said(number, f"GET /who HTTP/1.1\r\nHost: localhost\r\n{lies}Connection: close\r\n\r\n")
    assert ("203.0.113.9 https" if trusted else "127.0.0.1 http ") in answer


def test_a_message_with_two_lengths_is_never_two_messages(port: tuple[int, bool]) -> None:
    number, _ = port
    inner = "GET /who HTTP/1.1\r\nHost: smuggled\r\n\r\n"
    both = "Content-Length: 4\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n"
    answer = _said(number, f"POST /who HTTP/1.1\r\nHost: localhost\r\n{both}{inner}")
    assert answer.count("HTTP/1.1 ") == 1, "the rest must not be read as a request of its own"
    twice = "Content-Length: 0\r\nContent-Length: 40\r\nConnection: close\r\n\r\n"
    assert " 400 " in _said(number, f"POST /who HTTP/1.1\r\nHost: localhost\r\n{twice}{inner}").splitlines()[0]


def test_a_line_of_the_log_has_its_time_in_utc_and_nobody_writes_a_line_of_its_own() -> None:
    said = "refused\n2026-01-01T00:00:00Z root INFO all is well\r\x1b[2K\u2028gone"
    record = logging.LogRecord("part", logging.INFO, __file__, 1, said, None, None)
    record.created = 1_795_672_800.0
    lines = serving.OneEntry().format(record).split("\n")
    assert lines[0] == "2026-11-26T06:00:00Z part INFO refused"
    assert all(line.startswith("    ") for line in lines[1:])
    assert not re.search(r"[\r\x1b\u2028]", "".join(lines))
