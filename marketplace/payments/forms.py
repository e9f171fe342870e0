"""The forms of this room's pages: an account, who may see it, a decision on it, and the columns of a payment file."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from marketplace.web.fields import Form, ManyField, OneField, TextField, TickField


class AccountForm(Form):
    """An account, its number typed twice, and the givers that may see it; nothing is ticked beforehand."""

    holder = TextField(_l("Name of the account's holder"), longest=60)
    relation = OneField(_l("The holder is"))
    bank = TextField(_l("Bank and branch"), longest=60)
    kind = OneField(_l("Kind of account"))
    account = TextField(_l("Account number"), longest=40)
    again = TextField(_l("Account number once more"), longest=40)
    matches = ManyField(_l("Who may see this account to pay you"), required=False)


class PermitForm(Form):
    """Which givers may see the account."""

    matches = ManyField(_l("Who may see this account to pay you"))


class DecideForm(Form):
    """What becomes of an account that waits for a person."""

    verdict = OneField(_l("Decision"))
    reason_code = OneField(_l("Why not, if you do not accept it"), required=False)


class OwnAccountForm(Form):
    """Accounts of the giver or of its people, one a line; the numbers are not kept."""

    account = TextField(_l("Account numbers, one a line"), longest=20_000, lines=5)
    staff = TickField(_l("They belong to our people, not to the organisation"))


class LayoutForm(Form):
    """The columns of the payment file, one a line."""

    columns = TextField(_l("Columns of the file"), required=False, longest=600, lines=9)
