"""The fairness report as plain text.

What enters: a `Report`. What leaves: lines for a terminal. Called by the command line only; pages have their own words.
"""

from __future__ import annotations

from collections.abc import Iterator

from matching.beside import Report
from matching.fairness import Group, Summary
from matching.wording import cutoff_sentence


def as_text(told: Report) -> str:
    """The whole report; shares as per cent."""
    return "\n".join(_lines(told))


def _lines(told: Report) -> Iterator[str]:
    one = told.plan.summary
    yield f"plan        score {one.score}, {_short(one)}"
    yield f"needs       {one.needs_served} of {one.needs} get something; Gini of the fill {one.gini:.3f}"
    yield "households  by fill (none, to 10 %, … to 100 %): " + " ".join(str(count) for count in told.plan.spread)
    yield "levels      needs whose level is full, the lowest first: " + " ".join(str(n) for n in told.plan.levels)
    for name, groups in told.plan.groups.items():
        yield f"by {name}"
        yield from (_group(group) for group in groups)
    for queue in told.queues:
        yield cutoff_sentence(queue, "en")
    for way in told.beside:
        yield f"{way.name:<14}{_short(way.summary)}, loses {way.regret:.3%} of the plan's score"
    for row in told.policies:
        price = ", ".join(f"{share:.3%} by {order}" for order, share in row.price.items())
        yield f"{row.order:<14}{_short(row.summary)}, lacks {price}{'' if row.exact else ' (hard parts not exact)'}"


def _short(one: Summary) -> str:
    return (
        f"{one.households_served} of {one.households} households served, {one.households_zero} at zero, "
        f"mean fill {one.fill:.1%}, worst-off fill {one.worst_off:.1%}, urgency 3 {one.urgent_fill:.1%}"
    )


def _group(group: Group) -> str:
    goods = "; ".join(f"{row.category} {row.given_units} of {row.open_units}" for row in group.goods)
    return (
        f"  {group.label:<12} needs {group.needs}, served {group.served}, zero {group.zero}, {group.fill:.1%}; {goods}"
    )
