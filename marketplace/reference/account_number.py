"""Bank account numbers in one spelling, without knowing any bank.

Enters: what a person typed. Leaves: the text that should be digits, and whether it is an account of a fitting length.
Called by the rooms that pay.
"""

from __future__ import annotations

import unicodedata

LENGTHS = range(8, 31)


def account_text(typed: str, /) -> str:
    """One width, no spaces and no hyphens.

    >>> account_text("6200-0000 ０００００００5")
    '6200000000000005'
    """
    return "".join(ch for ch in unicodedata.normalize("NFKC", typed) if ch not in " -\t\u3000")


def is_account(text: str, /, lengths: range = LENGTHS) -> bool:
    """Plain digits, as many as an account has.

    >>> is_account("62000000"), is_account("6200000")
    (True, False)
    """
    return text.isascii() and text.isdigit() and len(text) in lengths
