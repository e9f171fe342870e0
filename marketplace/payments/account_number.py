"""Bank account numbers and names of holders: brought into one spelling and checked, without knowing any bank.

Enters: what a person typed. Leaves: digits, or BadInput with the mend's code. Called by payees and own accounts.
"""

from __future__ import annotations

import unicodedata

from marketplace.errors import BadInput
from marketplace.payments.models import AccountKind
from marketplace.reference.account_number import LENGTHS, account_text, is_account

CARD_LENGTHS = range(16, 20)
_JOINTS = "·•‧・.．"


def account_digits(typed: str, kind: AccountKind, /) -> str:
    """The digits of an account, checked for its kind.

    >>> account_digits("6200 0000 0000 0005", AccountKind.CARD)
    '6200000000000005'
    """
    digits = account_text(typed)
    if not is_account(digits, CARD_LENGTHS if kind is AccountKind.CARD else LENGTHS):
        raise BadInput("account_length", field="account")
    if kind is AccountKind.CARD and not luhn(digits):
        raise BadInput("account_check_digit", field="account")
    return digits


def luhn(digits: str, /) -> bool:
    """Whether the last digit of a card number fits the others; one wrong digit or two swapped neighbours show.

    >>> luhn("79927398713"), luhn("79927398710")
    (True, False)
    """
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def folded_name(name: str, /) -> str:
    """A name as it is compared: one width, no spaces, one kind of dot, capitals alike.

    >>> folded_name("王 小明") == folded_name("王小明 ")
    True
    """
    plain = unicodedata.normalize("NFKC", name).casefold()
    return "".join("·" if ch in _JOINTS else ch for ch in plain if not ch.isspace())
