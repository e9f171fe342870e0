"""stub"""

from collections.abc import Iterator

from matching.checker_facts import Facts, Fault
from matching.model import Plan


def reason_faults(facts: Facts, plan: Plan) -> Iterator[Fault]:
    yield from ()
