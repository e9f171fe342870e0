"""All must be served, at the least cost: how to write that as values, and how to read the answer.

What enters: the cost of serving each need whole by each resource. What leaves: the values for `pairs.csv`, and, from
a certificate, the cost, a proven least cost and whether all can be served at all. Called by whoever builds such a
problem; the solvers know only values. The value of a serving is `most` - cost, with `most` so large that serving one
need more is always worth it, whatever it costs the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from matching.model import Pair, whole
from matching.plan import Certificate


@dataclass(frozen=True, slots=True)
class LeastCost:
    """Costs as values; `dearest` is what all needs cost if each had its dearest resource.

    >>> asked = LeastCost.of({("a", "r"): 5, ("a", "s"): 2, ("b", "r"): 9})
    >>> asked.most, asked.values["a", "s"]
    (15, 13)
    """

    needs: int
    dearest: int
    values: Mapping[Pair, int]

    @property
    def most(self) -> int:
        """The value of a serving that costs nothing."""
        return self.dearest + 1

    @classmethod
    def of(cls, costs: Mapping[Pair, int]) -> LeastCost:
        """Values of the servings with these costs, each that of serving the need whole; O(pairs).

        Raises
        ------
        ValueError
            If a cost is no whole number of 0 or more, or if together they pass the largest amount.
        """
        worst: dict[str, int] = {}
        for (need_id, _), cost in costs.items():
            worst[need_id] = max(worst.get(need_id, 0), whole("cost", cost))
        dearest = whole("the dearest of every need together", sum(worst.values()))
        values = {pair: whole("value", dearest + 1 - cost) for pair, cost in costs.items()}
        return cls(needs=len(worst), dearest=dearest, values=values)

    def all_served(self, said: Certificate) -> bool:
        """Whether every need is served; then and only then the plan has a cost to speak of."""
        return said.value >= self.needs * self.most - self.dearest

    def impossible(self, said: Certificate) -> bool:
        """Whether it is proven that no plan serves all."""
        return said.value_bound < self.needs * self.most - self.dearest

    def cost(self, said: Certificate) -> int:
        """The cost of a plan that serves all.

        Raises
        ------
        ValueError
            If some need is left.
        """
        if not self.all_served(said):
            raise ValueError("some need is not served: the cost of all is not known")
        return self.needs * self.most - said.value

    def least(self, said: Certificate) -> int:
        """No plan that serves all costs less."""
        return max(0, self.needs * self.most - said.value_bound)
