"""Appointments as a calendar file (RFC 5545), for a telephone's own calendar.

Enters: appointments and a sentence in the reader's language. Leaves: the text of an ``.ics`` file that holds times and
numbers only: no name, no address, no kind of help, because calendars are shared and shown on lock screens.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from marketplace.appointments.models import Appointment, AppointmentState

_STATUS = {AppointmentState.PROPOSED: "TENTATIVE", AppointmentState.CANCELLED: "CANCELLED"}


def calendar_file(appointments: Iterable[Appointment], /, *, title: str) -> str:
    """One event each, in UTC; the same appointment keeps its number, so that a second download updates the first."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Shanqiao//Appointments//ZH", "CALSCALE:GREGORIAN"]
    for one in appointments:
        lines += [
            "BEGIN:VEVENT",
            f"UID:{one.id}@shanqiao",
            f"DTSTAMP:{_utc(one.updated_at)}",
            f"DTSTART:{_utc(one.starts_at)}",
            f"DTEND:{_utc(one.ends_at)}",
            f"SUMMARY:{_text(title)} {one.id[:8].upper()}",
            f"STATUS:{_STATUS.get(one.state, 'CONFIRMED')}",
            "END:VEVENT",
        ]
    return "\r\n".join([*lines, "END:VCALENDAR", ""])


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _text(words: str) -> str:
    r"""A text value with its four special characters escaped.

    >>> _text("a;b,c")
    'a\\;b\\,c'
    """
    return words.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")
