"""The judge on reasons: every need that is not fully covered has one.

What enters: the facts and a plan. What leaves: faults. Called by `checker`.
"""

from collections.abc import Iterator

from matching.checker_facts import Facts, Fault
from matching.plan import Plan


def reason_faults(facts: Facts, plan: Plan) -> Iterator[Fault]:
    explained = {row.need_id for row in plan.reasons}
    for need_id, still_open in facts.open.items():
        if facts.received[need_id] < still_open and need_id not in explained:
            yield Fault("no_reason", f"{need_id} is not fully covered and no reason says why")
