"""The forms of this room: what a page asks, as plain values; choices from the database are filled in by the views."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from marketplace.web.fields import CountField, DayField, Form, OneField, TextField, YuanField

HOURS = [(f"{hour:02}", f"{hour:02}:00") for hour in range(24)]


class CallForm(Form):
    """For which area."""

    district = OneField(_l("Area"), required=False, select=True)


class LookForm(Form):
    """Which pin to try."""

    offer = OneField(_l("Resource"), select=True)
    units = CountField(_l("Amount"), least=1, most=10**12)


class MoneyLookForm(LookForm):
    """The same where the need is money."""

    units = YuanField(_l("Amount"))


class DecideForm(Form):
    """One decision; what a verdict does not use stays empty."""

    verdict = OneField(_l("What does the meeting decide?"))
    offer = OneField(_l("Resource (to pin or ban)"), required=False, select=True)
    units = CountField(_l("Amount (to pin)"), required=False, least=1, most=10**12)
    officer = OneField(_l("Officer (for a duty)"), required=False, select=True)
    due_on = DayField(_l("Until when (for a duty)"), required=False)
    reason = TextField(_l("Why, or what is to be done (no personal data)"), longest=200, lines=2)


class MoneyDecideForm(DecideForm):
    """The same where the need is money."""

    units = YuanField(_l("Amount (to pin)"), required=False)


class OutcomeForm(Form):
    """What came of a duty."""

    outcome = TextField(_l("What came of it? (no personal data)"), longest=200, lines=2)


class UrgentForm(Form):
    """Why this cannot wait."""

    reason = TextField(_l("Why can it not wait? (no personal data)"), longest=200, lines=2)


class ReviewForm(Form):
    """The verdict on an urgent case."""

    verdict = OneField(_l("What do you find?"))
    reason = TextField(_l("Why, or what is missing (no personal data)"), longest=200, lines=2)


class PhonesForm(Form):
    """Another telephone for one or both of a pair."""

    verifier_phone = TextField(_l("Mobile number of who verifies"), required=False, longest=11)
    approver_phone = TextField(_l("Mobile number of who approves"), required=False, longest=11)


class RosterForm(Form):
    """A pair from one hour to another."""

    district = OneField(_l("Area"), required=False, select=True)
    verifier = OneField(_l("Verifies"), select=True)
    verifier_phone = TextField(_l("Mobile number of who verifies"), longest=11)
    approver = OneField(_l("Approves"), select=True)
    approver_phone = TextField(_l("Mobile number of who approves"), longest=11)
    starts_on = DayField(_l("From (day)"))
    starts_at = OneField(_l("From (hour)"), HOURS, select=True)
    ends_on = DayField(_l("To (day)"))
    ends_at = OneField(_l("To (hour)"), HOURS, select=True)
