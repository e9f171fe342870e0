"""`shanqiao overlap explain HOUSEHOLD CATEGORY`: which rules could bind on this aid, which facts they saw, what they
allow: by whomever, by each giver that has given to the household or is related to it, and under each programme.

Enters: a household's id, a category, a day. Leaves: lines of text in both languages without a name, an address or a
number of a person; whom a need or a row is for is told by reference. Called by the command line; the same judge answers
as in runs and at approval.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from sqlmodel import Session, col, select

from marketplace.errors import BadInput, NotFound
from marketplace.households.apart import people_of
from marketplace.households.models import Household
from marketplace.households.related import related_pairs
from marketplace.ledger import bills, overlap
from marketplace.ledger.book import Book, rule_of
from marketplace.ledger.claiming import shows_papers_first
from marketplace.ledger.sentences import WATERFALL, sentence, standing
from marketplace.needs.models import Need, NeedState
from marketplace.organisations.models import Organisation
from marketplace.reference.duplicate_rules import DuplicateRule, duplicate_rule
from marketplace.reference.needs import list_need_kinds
from matching.overlap_judge import judge
from matching.overlap_rules import Asked, Bill, Given, Rule, Verdict


def explain(session: Session, household_id: str, category: str, /, *, on: date) -> Iterator[str]:
    """The rules, the facts, the verdict for each open need of the category, or for aid without a need."""
    household = session.get(Household, household_id)
    if household is None:
        raise NotFound("household")
    if category not in {kind.code for kind in list_need_kinds()}:
        raise BadInput("not_in_list", field="category")
    book = Book(session, on=on)
    yield from _of_rules(book, household.district_code, category)
    homes = overlap.homes_of(session, household_id)
    for other in sorted(homes.ids - {household_id}):
        yield f"same person in household {other}"
    people = people_of(session, homes.ids)
    past = overlap.aid_of(session, homes, household_id=household_id, people=people)
    for had in sorted(past, key=lambda one: (one.given_on, one.ref)):
        what = f"{had.given_on} {had.category} {had.units} {had.payer} {had.programme or '-'}"
        yield f"fact {what} {had.ref}{_for(had.person)}"
    needs = _needs(session, household_id, category)
    for need in needs:
        if need.person_id:
            yield f"need {need.id}{_for(people.one(need.person_id))}"
        its = [had for had in past if had.person not in people.others(need.person_id)]
        yield from _of_need(session, need, its, bill=overlap.bill_of(session, need, homes), on=on)
    givers = _givers(session, homes, past)
    if not needs:
        told: dict[str, Any] = {"members": homes.members, "rural": homes.rural, "statuses": homes.kinds}
        asked = Asked(household_id, category, 1, on, documented=shows_papers_first(category), **told)
        yield from _without_need(asked, past, book.binding(household.district_code, category), givers=givers)
    projects = sorted({had.project for had in past if had.project and had.category == category})
    for need in needs:
        yield from _by_each(session, need, givers=givers, projects=projects, on=on)


def _without_need(
    asked: Asked, past: list[Given], binding: list[tuple[Rule, frozenset[str]]], *, givers: Mapping[str, bool]
) -> Iterator[str]:
    """One unit of the category: by whomever, by each giver, and under each programme that a rule names."""
    rules = [rule for rule, _programmes in binding]
    for giver, related in {"": False, **givers}.items():
        said = judge(replace(asked, giver=giver, related=related), past=past, rules=rules)
        yield from _told(f"no need{_by(giver)}", said, units=1)
    for programme in sorted(frozenset().union(*(programmes for _rule, programmes in binding))):
        said = judge(replace(asked, programme=programme), past=past, rules=rules)
        if said.findings:
            yield from _told(f"no need under {programme}", said, units=1)


def _by_each(
    session: Session, need: Need, *, givers: Iterable[str], projects: Iterable[str], on: date
) -> Iterator[str]:
    """What is open of a need: by each giver, then for each programme of a charity that has given."""
    open_units = need.gap_units - need.committed_units
    if not open_units:
        return
    for giver in givers:
        said = overlap.verdict(session, need, org_id=giver, units=open_units, on=on)
        yield from _told(f"need {need.id}{_by(giver)}", said, units=open_units)
    for project in projects:
        said = overlap.verdict(session, need, org_id="?", project=project, units=open_units, on=on)
        yield from _told(f"need {need.id} of programme {project}", said, units=open_units)


def _of_rules(book: Book, district: str, category: str) -> Iterator[str]:
    """The rules that could bind, then those that rest."""
    for rule, programmes in book.binding(district, category):
        under = f" under {','.join(sorted(programmes))}" if programmes else ""
        told = _whence(book, duplicate_rule(rule.code), district)
        yield f"rule {rule.code} {rule.kind}{under} [{told}] {_says(rule, category)}"
    for row in book.resting(district, category):
        yield f"rests {row.code} {row.kind} [{_whence(book, row, district)}] {_says(rule_of(row), category)}"


def _whence(book: Book, row: DuplicateRule, district: str) -> str:
    """The source and day of a rule, and of each change that people made to it since."""
    changes = book.changes(row.code, district)
    told = [f"changed {one.valid_from} {one.district_code or 'city'}: {one.source}" for one in changes]
    return "; ".join([f"{row.source}, {row.mark}, {row.as_of}", *told])


def _says(rule: Rule, category: str) -> str:
    return " ".join(sentence(rule, lang=lang, category=category) for lang in ("zh_Hans", "en"))


def _by(giver: str) -> str:
    return f" by {giver}" if giver else ""


def _for(person: str) -> str:
    return f" for {person}" if person else ""


def _givers(session: Session, homes: overlap.Homes, past: list[Given]) -> dict[str, bool]:
    """Organisations that rules about a giver look at, those that gave and those that are related ► is it related?"""
    related = {org for home, org in related_pairs(session) if home in homes.ids}
    here = set(session.exec(select(Organisation.id).where(col(Organisation.id).in_({row.giver for row in past}))))
    return {org: org in related for org in sorted(here | related)}


def _needs(session: Session, household_id: str, category: str) -> list[Need]:
    wanted = select(Need).where(col(Need.household_id) == household_id, col(Need.category) == category)
    return list(session.exec(wanted.where(col(Need.state) == NeedState.VERIFIED).order_by(col(Need.id))))


def _of_need(session: Session, need: Need, past: list[Given], *, bill: Bill | None, on: date) -> Iterator[str]:
    order = standing(session, WATERFALL, on=on, district=need.district_code).order
    for step in bills.steps(bill, past, need=need, order=order) if bill else ():
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
