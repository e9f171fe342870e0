"""What a long campaign saw, written down by the campaign itself: bench/results/trust.json, only with TORTURE=1."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

FILE = Path(__file__).parents[2] / "bench" / "results" / "trust.json"


def keep(name: str, **figures: int | float | str) -> None:
    """Put these figures under the campaign's name, with the CPU seconds of this process so far; the rest stays."""
    if not os.environ.get("TORTURE"):
        return
    told = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}
    told[name] = {**figures, "cpu_seconds": round(time.process_time(), 1)}
    FILE.write_text(json.dumps(told, indent=1, sort_keys=True) + "\n", encoding="utf-8")
