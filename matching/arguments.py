"""The numbers that a command line may carry, each refused with the sentence that mends it.

What enters: one word of a command line. What leaves: a number, or `ArgumentTypeError`. Called by `matching.__main__`.
"""

from __future__ import annotations

import os
from argparse import ArgumentTypeError


def whole(word: str) -> int:
    if not word.isdecimal() or int(word) > 10**8:
        raise ArgumentTypeError(f"{word!r}: write a whole number from 0 to 100000000")
    return int(word)


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0))


def above_zero(word: str) -> int:
    if whole(word) == 0:
        raise ArgumentTypeError("write at least 1")
    return int(word)


def seconds(word: str) -> float:
    try:
        seconds = float(word)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 10**9:
        raise ArgumentTypeError(f"{word!r}: write a number of seconds above 0")
    return seconds


def share(word: str) -> float:
    try:
        share = float(word)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise ArgumentTypeError(f"{word!r}: write a share from 0 to 1")
    return share
