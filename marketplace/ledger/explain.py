"""`shanqiao overlap explain HOUSEHOLD CATEGORY`: which rules look at this aid, which facts they saw, what they allow.

Enters: a household's id, a category, a day. Leaves: lines of text in both languages without a name, an address or a
number of a person. Called by the command line; the same judge answers as in runs and at approval.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from sqlmodel import Session, col, select

from marketplace.errors import BadInput, NotFound
from marketplace.households.models import Household
from marketplace.ledger import bills, overlap
from marketplace.ledger.rules import Book
from marketplace.needs.models import Need, NeedState
from marketplace.reference.duplicate_rules import duplicate_rule
from marketplace.reference.needs import list_need_kinds
from matching.overlap_judge import judge
from matching.overlap_rules import Asked, Bill, Given, Verdict


def explain(session: Session, household_id: str, category: str, /, *, on: date) -> Iterator[str]:
    """The rules, the facts, the verdict for each open need of the category, or for aid without a need."""
    household = session.get(Household, household_id)
    if household is None:
        raise NotFound("household")
    if category not in {kind.code for kind in list_need_kinds()}:
        raise BadInput("not_in_list", field="category")
    book = Book(session, on=on)
    for rule in book.about(household.district_code, category):
        row = duplicate_rule(rule.code)
        yield f"rule {rule.code} {rule.kind} [{row.source}, {row.mark}] {row.sentence_zh} {row.sentence_en}"
    homes = overlap.homes_of(session, household_id)
    for other in sorted(homes.ids - {household_id}):
        yield f"same person in household {other}"
    past = overlap.aid_of(session, homes, household_id=household_id)
    for had in sorted(past, key=lambda one: (one.given_on, one.ref)):
        yield f"fact {had.given_on} {had.category} {had.units} {had.payer} {had.programme or '-'} {had.ref}"
    needs = _needs(session, household_id, category)
    for need in needs:
        yield from _of_need(session, need, past, bill=overlap.bill_of(session, need, homes), on=on)
    if not needs:
        asked = Asked(household_id, category, 1, on, members=homes.members)
        said = judge(asked, past=past, rules=book.about(household.district_code, category))
        yield from _told("no need", said, units=1)


def _needs(session: Session, household_id: str, category: str) -> list[Need]:
    wanted = select(Need).where(col(Need.household_id) == household_id, col(Need.category) == category)
    return list(session.exec(wanted.where(col(Need.state) == NeedState.VERIFIED).order_by(col(Need.id))))


def _of_need(session: Session, need: Need, past: list[Given], *, bill: Bill | None, on: date) -> Iterator[str]:
    for step in bills.steps(bill, past) if bill else ():
        yield f"need {need.id} {step.payer} {step.state} {step.fen} left {step.left}"
    open_units = need.gap_units - need.committed_units
    if open_units:
        said = overlap.verdict(session, need, org_id="", units=open_units, on=on)
        yield from _told(f"need {need.id}", said, units=open_units)
    else:
        yield f"need {need.id} covered"


def _told(what: str, said: Verdict, *, units: int) -> Iterator[str]:
    for finding in (*said.findings, *said.warnings):
        until = f" until {finding.until}" if finding.until else ""
        waits = f" waits for {','.join(finding.waits)}" if finding.waits else ""
        rows = ",".join(row.ref for row in finding.because) or "-"
        yield f"{what} {finding.code} allows {finding.allowed}{until}{waits} because of {rows}"
    yield f"{what} verdict {said.allowed} of {units}"
