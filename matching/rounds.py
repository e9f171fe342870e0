"""In which order the stops of a day are walked: minutes in, an order out.

What enters: a square table of whole minutes between places, place 0 being where the day begins, and a rank for each
stop (0 goes before 1, and so on). What leaves: the stops in order, never slower than the order of the list. No name,
address or coordinate enters: a caller that knows places turns them into minutes first. Called by the room of visits.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

MOST_STOPS = 30
SOLUTIONS = 400
"""The search ends after so many improvements, never by a clock: the same day gives the same round on every machine."""
MOST_MINUTES = 10**4


def round_minutes(minutes: Sequence[Sequence[int]], order: Sequence[int], /) -> int:
    """Minutes on the way of a round that begins at place 0 and ends at its last stop.

    >>> round_minutes([[0, 5, 9], [5, 0, 3], [9, 3, 0]], [1, 2])
    8
    """
    return sum(minutes[one][two] for one, two in zip((0, *order), order, strict=False))


def plan_round(minutes: Sequence[Sequence[int]], ranks: Sequence[int], /) -> list[int]:
    """The order in which to walk.

    Parameters
    ----------
    minutes : square table, (n + 1) by (n + 1)
        Whole minutes from row to column; row and column 0 are the beginning of the day.
    ranks : n whole numbers
        The rank of stops 1 … n: a stop of a lower rank is walked before all of a higher one.

    Returns
    -------
    list of int
        The stops 1 … n. Among the orders that keep the ranks it is never slower than the one sorted by rank and number.

    Raises
    ------
    ValueError
        The table is not square, a number is out of bounds, or there are more than `MOST_STOPS` stops.

    Notes
    -----
    The routing solver begins with the nearest stop and improves by its local moves. At most 30 stops: O(n³) a move.

    Examples
    --------
    >>> plan_round([[0, 9, 1, 5], [9, 0, 2, 4], [1, 2, 0, 6], [5, 4, 6, 0]], [1, 1, 1])
    [2, 1, 3]
    >>> plan_round([[0, 9, 1, 5], [9, 0, 2, 4], [1, 2, 0, 6], [5, 4, 6, 0]], [1, 1, 0])
    [3, 1, 2]
    """
    _check(minutes, ranks)
    listed = sorted(range(1, len(minutes)), key=lambda stop: (ranks[stop - 1], stop))
    if len(listed) < 2:
        return listed
    found = _route(minutes, (min(ranks) - 1, *ranks))
    if found is None or round_minutes(minutes, found) > round_minutes(minutes, listed):
        return listed
    return found


def _check(minutes: Sequence[Sequence[int]], ranks: Sequence[int]) -> None:
    if len(ranks) > MOST_STOPS:
        raise ValueError(f"a round has at most {MOST_STOPS} stops")
    if len(minutes) != len(ranks) + 1 or any(len(row) != len(minutes) for row in minutes):
        raise ValueError("minutes must be square, with one row more than there are ranks")
    if any(not 0 <= cell <= MOST_MINUTES for row in minutes for cell in row):
        raise ValueError(f"minutes must lie between 0 and {MOST_MINUTES}")


def _route(minutes: Sequence[Sequence[int]], ranks: Sequence[int]) -> list[int] | None:
    """The solver's order; None where it steps back to an earlier rank. The way home is not counted."""
    from ortools.constraint_solver import pywrapcp, routing_enums_pb2

    size, back = len(minutes), MOST_MINUTES * (len(minutes) + 1)
    manager = pywrapcp.RoutingIndexManager(size, 1, 0)
    routing = pywrapcp.RoutingModel(manager)

    def cost(from_index: int, to_index: int) -> int:
        one, two = manager.IndexToNode(from_index), manager.IndexToNode(to_index)
        if two == 0:
            return 0
        way: int = minutes[one][two]
        return way + (back * (ranks[one] - ranks[two]) if ranks[one] > ranks[two] else 0)

    routing.SetArcCostEvaluatorOfAllVehicles(routing.RegisterTransitCallback(cost))
    search = pywrapcp.DefaultRoutingSearchParameters()
    search.first_solution_strategy = routing_enums_pb2.FirstSolutionStrategy.PATH_CHEAPEST_ARC
    search.local_search_metaheuristic = routing_enums_pb2.LocalSearchMetaheuristic.GREEDY_DESCENT
    search.solution_limit = SOLUTIONS
    solution = routing.SolveWithParameters(search)
    if solution is None:
        return None
    order, index = [], solution.Value(routing.NextVar(routing.Start(0)))
    while not routing.IsEnd(index):
        order.append(manager.IndexToNode(index))
        index = solution.Value(routing.NextVar(index))
    kept = all(ranks[one] <= ranks[two] for one, two in pairwise(order))
    return order if kept else None
