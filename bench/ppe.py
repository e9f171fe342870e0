"""Real input: 16,508 requests and 1,155 donor offers of protective equipment, spring 2020, beside two simple rules.

What enters: a folder with `donors.csv`, `recipients.csv` and `distances.parquet` (published by GetUsPPE.org's
researchers, MIT licence; not part of this project). The rows pass the ordinary imports with a mapping file and an own
taxonomy: implausible amounts are held and listed, never allocated. What leaves: a table and `bench/results/ppe.json`:
fill rate, recipients served, worst-off fill and unit-miles of the allocator, of first come first served, and of
nearest first, all three on the same filtered pairs. An unlisted distance is no pair.

    .venv/bin/python bench/ppe.py --data DIR
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from time import perf_counter

from sqlmodel import col, select

from marketplace import intake
from marketplace.actors import Actor, Role
from marketplace.config import demo_settings
from marketplace.db import Database
from marketplace.needs import imports as needs_in
from marketplace.needs.models import Need, NeedState
from marketplace.needs.table import need_schema
from marketplace.offers import imports as offers_in
from marketplace.offers.models import Offer, OfferState
from marketplace.offers.table import offer_schema
from marketplace.organisations.agreements import approve_organisation
from marketplace.organisations.models import OrganisationKind
from marketplace.organisations.service import NewOrganisation, register_organisation
from marketplace.proposals.problem import Scope, build_problem
from marketplace.reference.needs import NeedKind
from marketplace.reference.organisation_number import make_uscc
from marketplace.wiring import open_database
from matching import Policy, Problem, allocate
from matching.checker import check
from matching.model import Candidate, levels_first

RESULTS = Path(__file__).parent / "results" / "ppe.json"
NOW = datetime(2026, 5, 1, 4, 0, tzinfo=UTC)
"""The bench's clock: fixed, so that the plan is the same every time; the rows keep their dates of 2020."""
BOUND = 100_000
"""A single request above this waits for a person; so does a stock of more than a thousand such requests."""
TENTHS = 10
"""Miles are kept in whole tenths."""

NEED_MAPPING = """
[columns]
source_id = "row"
household_ref = "rec_id"
category = "ppe"
gap = "qty"
cause = "row"
valid_from = "date"
verified_on = "date"
[constants]
district_code = "500103"
verification_level = "1"
evidence = "public request"
verifier = "GetUsPPE"
referral_reason = "NOT_ELIGIBLE"
"""
OFFER_MAPPING = """
[columns]
source_id = "row"
title = "ppe"
category = "ppe"
stock = "qty"
[constants]
acceptance = "standing"
standard = "as offered"
steps = "shipped by the donor"
rules = "free of charge"
"""
Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Trade:
    """Everything the three rules share: needs and offers by id in the order they came in, and miles of each pair."""

    problem: Problem
    miles: Mapping[Pair, int]
    needs: tuple[str, ...]
    offers: tuple[str, ...]


def kind(code: str) -> NeedKind:
    """A kind of equipment as the taxonomy of this bench knows it."""
    return NeedKind(
        code=code,
        zh=code,
        en=code,
        unit="ITEM",
        typical_low=1,
        typical_high=10_000,
        cap=BOUND,
        plausible_bound=BOUND,
        cool_off_days=0,
        one_provider=False,
        purpose="GOODS",
        provider_kinds=("CHARITY",),
        duplicate_rules=(),
        government_first=(),
    )


def numbered(path: Path) -> tuple[bytes, list[dict[str, str]]]:
    """The file with a row number as its first column, and its rows."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = [{"row": str(number), **row} for number, row in enumerate(csv.DictReader(file), start=1)]
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode(), rows


def bring_in(database: Database, data: Path) -> dict[str, object]:
    """Both files through the ordinary imports; what was held, by row."""
    needs, requests = numbered(data / "recipients.csv")
    offers, donations = numbered(data / "donors.csv")
    taxonomy = {code: kind(code) for code in {row["ppe"] for row in (*requests, *donations)}}
    verifier = Actor(id="bench", role=Role.VERIFIER)
    with database.transaction() as session:
        mapping = intake.read_mapping(NEED_MAPPING.encode(), need_schema(today=NOW.date()))
        given = {"file_name": "recipients.csv", "source": "ppe", "actor": verifier, "now": NOW}
        batch, checked = needs_in.check_file(session, needs, mapping=mapping, taxonomy=taxonomy, **given)
        refuse(checked.faults)
        counts = needs_in.confirm_import(session, batch.id, actor=verifier, now=NOW, taxonomy=taxonomy)
    with database.transaction() as session:
        giver = a_giver(database, session)
        mapping = intake.read_mapping(OFFER_MAPPING.encode(), offer_schema(today=NOW.date()))
        batch, checked = offers_in.check_file(
            session, offers, file_name="donors.csv", mapping=mapping, taxonomy=taxonomy, actor=giver, now=NOW
        )
        refuse(checked.faults)
        stocks = offers_in.confirm_import(session, batch.id, actor=giver, now=NOW, taxonomy=taxonomy)
    return {"requests": dict(counts), "offers": dict(stocks), "held": held(database)}


def refuse(faults: Iterable[intake.Fault]) -> None:
    """Stop at faults: this input has none, so the files must be others."""
    for fault in faults:
        raise SystemExit(
            f"row {fault.row}, column {fault.column}: {' '.join(intake.sentence(fault.code, fault.params, lang='en'))}"
        )


def a_giver(database: Database, session: object) -> Actor:
    """One organisation that speaks for all donors, as the platform of that spring did."""
    approver = Actor(id="bench", role=Role.APPROVER)
    new = NewOrganisation("GetUsPPE donors", OrganisationKind.CHARITY, make_uscc(1, kind="51"))
    organisation = register_organisation(session, new, actor=approver, now=NOW)  # type: ignore[arg-type]
    second = Actor(id="bench-2", role=Role.APPROVER)
    approve_organisation(session, organisation.id, actor=second, now=NOW)  # type: ignore[arg-type]
    return Actor(id="bench-giver", role=Role.CHARITY_MANAGER, org_id=organisation.id)


def held(database: Database) -> list[str]:
    """Every held row in words."""
    with database.reading() as session:
        needs = session.exec(
            select(Need).where(Need.state == NeedState.HELD).order_by(col(Need.gap_units).desc())
        ).all()
        offers = session.exec(
            select(Offer).where(Offer.state == OfferState.HELD).order_by(col(Offer.stock_units).desc())
        ).all()
    told = [f"offer of {offer.stock_units:,} {offer.category}" for offer in offers]
    return told + [f"request {need.source_id} for {need.gap_units:,} {need.category}" for need in needs]


def make_trade(database: Database, data: Path) -> Trade:
    """The problem as a run would build it, with the listed distances as its only pairs.

    Recipients here are institutions that asked in public: every donor may see their request.
    """
    policy = Policy(as_of=NOW.date(), order=levels_first(10), salt="ppe")
    with database.reading() as session:
        problem = build_problem(session, Scope(), policy=policy, now=NOW)
        needs = session.exec(select(Need).where(Need.state == NeedState.VERIFIED)).all()
        offers = session.exec(select(Offer).where(Offer.state == OfferState.OPEN)).all()
    miles = listed(data, needs, numbered_offers(database, data, offers))
    pairs = tuple(Candidate(need_id, offer_id, cost=cost) for (need_id, offer_id), cost in miles.items())
    asked = tuple(replace(need, consented=frozenset({"*"})) for need in problem.needs)
    came = {need.id: (need.valid_from or date.min, int(need.source_id)) for need in needs}
    return Trade(
        problem=replace(problem, needs=asked, pairs=pairs),
        miles=miles,
        needs=tuple(sorted(came, key=came.__getitem__)),
        offers=tuple(offer_id for _, _, offer_id in numbered_offers(database, data, offers)),
    )


def numbered_offers(database: Database, data: Path, offers: Iterable[Offer]) -> list[tuple[str, str, str]]:
    """(donor, equipment, offer id) in the order in which the donors came."""
    open_offers = {offer.id for offer in offers}
    vault = database.info["vault"]
    with database.reading() as session:
        [org_id] = {offer.org_id for offer in session.exec(select(Offer)).all()}
    found = []
    for row in sorted(numbered(data / "donors.csv")[1], key=lambda row: (row["date"], int(row["row"]))):
        offer_id = vault.ref("offer", org_id, row["row"])
        if offer_id in open_offers:
            found.append((row["don_id"], row["ppe"], offer_id))
    return found


def listed(data: Path, needs: Iterable[Need], offers: Iterable[tuple[str, str, str]]) -> dict[Pair, int]:
    """Tenths of miles of every pair whose distance is listed and whose equipment is the same."""
    import pyarrow.parquet as parquet

    recipient = {row["row"]: row["rec_id"] for row in numbered(data / "recipients.csv")[1]}
    asks, gives = defaultdict(list), defaultdict(list)
    for need in needs:
        asks[recipient[need.source_id]].append((need.category, need.id))
    for donor, category, offer_id in offers:
        gives[donor].append((category, offer_id))
    found: dict[Pair, int] = {}
    table = parquet.read_table(data / "distances.parquet")
    columns = [table.column(name).to_pylist() for name in ("don_id", "rec_id", "distance")]
    for donor, receiver, distance in zip(*columns, strict=True):
        for category, offer_id in gives.get(donor, ()):
            for wanted, need_id in asks.get(receiver, ()):
                if wanted == category:
                    found[need_id, offer_id] = round(distance * TENTHS)
    return found


def first_come(trade: Trade) -> dict[Pair, int]:
    """Each request in turn takes what the earliest donors still have."""
    place = {offer_id: number for number, offer_id in enumerate(trade.offers)}
    of_need: dict[str, list[str]] = defaultdict(list)
    for need_id, offer_id in trade.miles:
        of_need[need_id].append(offer_id)
    order = ((need, offer) for need in trade.needs for offer in sorted(of_need[need], key=place.__getitem__))
    return hand_out(trade, order)


def nearest_first(trade: Trade) -> dict[Pair, int]:
    """The nearest pair first, until nothing is left."""
    return hand_out(trade, (pair for _, pair in sorted((miles, pair) for pair, miles in trade.miles.items())))


def hand_out(trade: Trade, order: Iterable[Pair]) -> dict[Pair, int]:
    """Give as much as possible on each pair in turn."""
    gap = {need.need_id: need.gap for need in trade.problem.needs}
    stock = {resource.resource_id: resource.stock for resource in trade.problem.resources}
    given: dict[Pair, int] = {}
    for need_id, offer_id in order:
        units = min(gap[need_id], stock[offer_id])
        if units:
            given[need_id, offer_id] = units
            gap[need_id] -= units
            stock[offer_id] -= units
    return given


def measure(trade: Trade, given: Mapping[Pair, int]) -> dict[str, float]:
    """What a rule achieved for recipients that any donor could reach."""
    reachable = {need_id for need_id, _ in trade.miles}
    asked: dict[str, int] = defaultdict(int)
    got: dict[str, int] = defaultdict(int)
    home = {need.need_id: need.household_id for need in trade.problem.needs}
    for need in trade.problem.needs:
        if need.need_id in reachable:
            asked[need.household_id] += need.gap
    for (need_id, _), units in given.items():
        got[home[need_id]] += units
    fills = sorted(got[recipient] / asked[recipient] for recipient in asked)
    worst = fills[: max(1, len(fills) // 10)]
    return {
        "units": sum(given.values()),
        "fill_rate": sum(given.values()) / sum(asked.values()),
        "recipients": len(asked),
        "served": sum(1 for recipient in asked if got[recipient]),
        "worst_off_fill": fills[0],
        "worst_tenth_fill": sum(worst) / len(worst),
        "unit_miles": sum(trade.miles[pair] * units for pair, units in given.items()) / TENTHS,
    }


def main() -> None:
    """Run all three and print them beside each other."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--data", type=Path, required=True, help="folder with donors.csv, recipients.csv, distances.parquet"
    )
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        database = open_database(demo_settings(Path(folder), seed=1))
        start = perf_counter()
        came = bring_in(database, asked.data)
        imported = perf_counter() - start
        trade = make_trade(database, asked.data)
        database.close()
    print_input(came, trade, seconds=imported)
    start = perf_counter()
    plan = allocate(trade.problem)
    solved = perf_counter() - start
    faults = check(trade.problem, plan)
    rules = {
        "allocator": {(line.need_id, line.resource_id): line.units for line in plan.lines},
        "first come": first_come(trade),
        "nearest first": nearest_first(trade),
    }
    results = {name: measure(trade, given) for name, given in rules.items()}
    certificate = {"status": plan.certificate.status, "gap": plan.certificate.gap, "judge_faults": len(faults)}
    print_results(results, certificate, seconds=solved)
    RESULTS.parent.mkdir(exist_ok=True)
    stored = {"input": came, "pairs": len(trade.miles), "results": results, "certificate": certificate}
    RESULTS.write_text(json.dumps(stored | {"seconds": {"import": imported, "solve": solved}}, indent=1) + "\n")
    if faults:
        raise SystemExit(f"the judge found {len(faults)} faults")


def print_input(came: Mapping[str, object], trade: Trade, *, seconds: float) -> None:
    """What came in and what waits for a person."""
    print(f"imported in {seconds:.1f} s: requests {came['requests']}, offers {came['offers']}")
    waiting = came["held"]
    assert isinstance(waiting, list)
    print(f"held for a person ({len(waiting)}): " + "; ".join(waiting))
    print(f"pairs with a listed distance and the same equipment: {len(trade.miles):,}")


def print_results(
    results: Mapping[str, Mapping[str, float]], certificate: Mapping[str, object], *, seconds: float
) -> None:
    """The table."""
    print(f"allocated in {seconds:.1f} s: {certificate}")
    names = list(results["allocator"])
    print(f"{'rule':<14}" + "".join(f"{name:>18}" for name in names))
    for rule, values in results.items():
        print(
            f"{rule:<14}"
            + "".join(f"{values[name]:>18,.4f}" if values[name] < 1 else f"{values[name]:>18,.0f}" for name in names)
        )


if __name__ == "__main__":
    main()
