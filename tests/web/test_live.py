"""Live progress: what is new since the last id, at most six at once, and a place is given back at the end."""

import pytest
from flask import Flask, Response

from marketplace.web.live import STREAMS, Event, stream


def three(seen: str) -> Event:
    number = int(seen or 0) + 1
    return Event(id=str(number), data=f"<p>{number}</p>\n<p>of 3</p>", last=number == 3)


@pytest.fixture
def app() -> Flask:
    return Flask("live")


def open_stream(app: Flask, last_id: str = "") -> Response:
    headers = {"Last-Event-ID": last_id} if last_id else {}
    with app.test_request_context(headers=headers):
        return stream(three)


def test_a_stream_tells_each_event_and_then_ends(app: Flask) -> None:
    response = open_stream(app)
    text = b"".join(response.iter_encoded()).decode()
    response.close()
    assert [line for line in text.splitlines() if line.startswith("id:")] == ["id: 1", "id: 2", "id: 3"]
    assert "data: <p>1</p>\ndata: <p>of 3</p>\n\n" in text
    assert text.endswith("event: end\ndata: \n\n")


def test_a_returning_browser_goes_on_where_it_was(app: Flask) -> None:
    response = open_stream(app, last_id="2")
    text = b"".join(response.iter_encoded()).decode()
    response.close()
    assert "id: 3" in text
    assert "id: 2" not in text


def test_the_seventh_stream_is_told_to_reload_instead_and_a_closed_one_makes_room(app: Flask) -> None:
    held = [open_stream(app) for _place in range(STREAMS)]
    assert {response.status_code for response in held} == {200}
    assert open_stream(app).status_code == 204
    held.pop().close()
    held.append(open_stream(app))
    assert held[-1].status_code == 200
    for response in held:
        response.close()


def test_a_stream_ends_after_its_time_even_without_news(app: Flask) -> None:
    with app.test_request_context():
        response = stream(lambda seen: None, longest_s=0.02, every_s=0.01)
    assert b"".join(response.iter_encoded()) == b"retry: 2000\n\n"
    response.close()
