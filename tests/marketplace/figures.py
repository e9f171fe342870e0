"""How long a campaign is, where its dice begin, and what it saw: short in the suite, long under bench/trust.py.

Enters: `CAMPAIGN_COUNT` and `CAMPAIGN_SEED` (one round of bench/trust.py), or TORTURE=1. Leaves: a line of JSON for
each campaign that ended well, in the file that `CAMPAIGN_TALLY` names; without one nothing is written.
"""

from __future__ import annotations

import json
import os
from pathlib import Path


def count(normal: int, /, *, torture: int) -> int:
    """How many tries this run makes."""
    asked = os.environ.get("CAMPAIGN_COUNT")
    return int(asked) if asked else torture if os.environ.get("TORTURE") else normal


def seed() -> int:
    """Another one for each round, so that rounds do not repeat each other; 0 in the suite."""
    return int(os.environ.get("CAMPAIGN_SEED", "0"))


def keep(tried: int, **figures: int) -> None:
    """Tell that so many tries ended well, and what else was counted."""
    tally = os.environ.get("CAMPAIGN_TALLY")
    if tally:
        with Path(tally).open("a", encoding="utf-8") as file:
            file.write(json.dumps({"tried": tried} | figures) + "\n")
