"""The flip: lift the limits that the reasons of one need name, by what they say, and for this need's household only.

In: a problem, a need and its reasons. Out: the problem with those limits lifted, or None where a reason names no limit
that could be lifted. Called by the counterfactual tests of the reasons.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from matching.model import Ban, Earmark, Problem
from matching.plan import Reason

SUPPLY = ("stock", "priced_out", "tie_break")
LIFTED = (*SUPPLY, "earmark", "cap", "exclusive", "provider_chosen")


def lifted(of: Problem, *, need_id: str, rows: Iterable[Reason]) -> Problem | None:
    """The problem with every named limit lifted."""
    rows = sorted(rows, key=lambda row: row.detail.get("kind") == "max_per_need")
    twins = of.pairs is not None and any(str(row.detail.get("kind")).startswith("max_") for row in rows)
    if twins or any(row.code not in LIFTED for row in rows):
        return None
    for row in rows:
        more = int(row.detail.get("short_by", 0))
        if row.code in SUPPLY:
            of = _stock(of, row.resource_id, more)
        elif row.code == "earmark":
            marks = (replace(e, budget=e.budget + more * (e.earmark == row.detail["id"])) for e in of.earmarks)
            of = replace(of, earmarks=tuple(marks))
        elif row.code == "exclusive":
            of = _change(of, row.resource_id, exclusive_group=None)
        elif row.code == "provider_chosen":
            needs = (replace(n, one_provider=n.one_provider and n.need_id != need_id) for n in of.needs)
            of = replace(of, needs=tuple(needs))
        elif row.detail["kind"] == "household_cap":
            of = _cap(of, str(row.detail["id"]), need_id=need_id, more=more)
        else:
            of = _twin(of, row, need_id=need_id, more=more)
    return of


def _change(of: Problem, resource_id: str, **terms: object) -> Problem:
    rows = (replace(r, **terms) if r.resource_id == resource_id else r for r in of.resources)  # type: ignore[arg-type]
    return replace(of, resources=tuple(rows))


def _stock(of: Problem, resource_id: str, more: int) -> Problem:
    """More stock, also in the common pot of a resource and its twin."""
    pots = (f"pot {resource_id}", f"pot {resource_id} twin")
    marks = (replace(e, budget=e.budget + more * (e.earmark in pots)) for e in of.earmarks)
    names = (resource_id, f"{resource_id} twin", f"{resource_id} twin twin")
    rows = (replace(r, stock=r.stock + more * (r.resource_id in names)) for r in of.resources)
    return replace(of, earmarks=tuple(marks), resources=tuple(rows))


def _home(of: Problem, need_id: str) -> str:
    return next(n.household_id for n in of.needs if n.need_id == need_id)


def _cap(of: Problem, cap_id: str, *, need_id: str, more: int) -> Problem:
    """A cap of every household becomes one per household; only this household's grows."""
    caps = []
    for cap in of.caps:
        if cap.cap_id != cap_id:
            caps.append(cap)
        elif cap.household_id != "*":
            caps.append(replace(cap, max_units=cap.max_units + more))
        else:
            for home in sorted({n.household_id for n in of.needs}):
                units = cap.max_units + more * (home == _home(of, need_id))
                caps.append(replace(cap, cap_id=f"{cap_id} {home}", household_id=home, max_units=units))
    return replace(of, caps=tuple(caps))


def _twin(of: Problem, row: Reason, *, need_id: str, more: int) -> Problem:
    """A twin of the resource, out of the same stock, serves this need or household alone, at most `more` units more.

    It takes the place of the resource, so that a need of one provider can still draw all it has. Where both maxima
    are lifted, the household has a twin already, and the need gets a twin of that.
    """
    if any(r.resource_id == f"{row.resource_id} twin" for r in of.resources):
        row = replace(row, resource_id=f"{row.resource_id} twin")
    name, pot, kind = f"{row.resource_id} twin", f"pot {row.resource_id}", str(row.detail["kind"])
    own = next(r for r in of.resources if r.resource_id == row.resource_id)
    terms = {kind: int(row.detail["limit"]) + more}
    twin = replace(own, resource_id=name, earmark=pot, **terms)  # type: ignore[arg-type]
    home = _home(of, need_id)
    inside = {
        n.need_id for n in of.needs if n.need_id == need_id or (n.household_id == home and kind != "max_per_need")
    }
    sides = ((n.need_id, own.resource_id if n.need_id in inside else name) for n in of.needs)
    known = {(ban.need_id, ban.resource_id) for ban in of.bans}
    barred = [replace(ban, resource_id=name) for ban in of.bans if ban.resource_id == own.resource_id]
    bans = {(ban.need_id, ban.resource_id): ban for ban in (*barred, *(Ban(*s) for s in sides if s not in known))}
    pins = (
        replace(p, resource_id=name) if p.resource_id == own.resource_id and p.need_id in inside else p for p in of.pins
    )
    return replace(
        _change(of, row.resource_id, earmark=pot),
        resources=(*_change(of, row.resource_id, earmark=pot).resources, twin),
        earmarks=(*of.earmarks, Earmark(pot, own.earmark, own.stock)),
        bans=(*of.bans, *bans.values()),
        pins=tuple(pins),
    )
