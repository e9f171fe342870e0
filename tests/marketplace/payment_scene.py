"""A giver with money, households with accepted grants and accounts, and the acts of a month; for tests of payments."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sqlmodel import Session, select

from adapters.tabular_writer import write_csv
from marketplace.actors import Actor, Role
from marketplace.decisions import approve as approval
from marketplace.decisions import service as decisions
from marketplace.decisions.models import Match
from marketplace.households.models import Household, Person
from marketplace.offers.models import Acceptance, Offer
from marketplace.organisations.models import Organisation
from marketplace.payments import batches, files, payees, results
from marketplace.payments.models import AccountKind, PaymentBatch, PaymentLine
from tests import factories as make

APPROVER = Actor(id="approver-1", role=Role.APPROVER)
NAMES = ("王小明", "李兰", "张大为", "陈静", "赵云")


def card(number: int) -> str:
    """A made-up card number whose check digit fits."""
    head = f"620000{number:09d}"
    total = 0
    for place, digit in enumerate(reversed(head)):
        value = int(digit) * (1 if place % 2 else 2)
        total += value - 9 if value > 9 else value
    return f"{head}{-total % 10}"


@dataclass
class Grant:
    """One household whose money match is under way."""

    household: Household
    person: Person
    match: Match
    name: str
    number: int

    @property
    def actor(self) -> Actor:
        """The household itself."""
        return make.as_household(self.household)


@dataclass
class Month:
    """A giver with two people, and its grants."""

    session: Session
    organisation: Organisation
    offer: Offer
    now: datetime
    grants: list[Grant] = field(default_factory=list)

    @property
    def clerk(self) -> Actor:
        """Who prepares."""
        return Actor(id=f"clerk-{self.organisation.id}", role=Role.CHARITY_WORKER, org_id=self.organisation.id)

    @property
    def manager(self) -> Actor:
        """Who releases."""
        return Actor(id=f"manager-{self.organisation.id}", role=Role.CHARITY_MANAGER, org_id=self.organisation.id)

    def grant(
        self, *, fen: int = 100_000, number: int | None = None, account: bool = True, household: Household | None = None
    ) -> Grant:
        """One more household, matched and accepted; with `account` it can be paid. One that is known has its own."""
        session, place = self.session, len(self.grants) + 1 if number is None else number
        name = NAMES[place % len(NAMES)]
        known, household = household, household or make.a_household(session, name=name, phone=f"1{place:010d}")
        person = session.exec(select(Person).where(Person.household_id == household.id)).one()
        over = {"period": "2027"} if known else {}
        need = make.a_need(session, household, category="EDU.TERM_SUPPORT", unit="FEN", gap_units=fen, **over)
        if known is None:
            make.auto_match(session, household, now=self.now)
        line = make.a_line(session, need, self.offer, units=fen, value_fen=fen)
        approval.approve(session, [line.id], actor=APPROVER, now=self.now)
        match = session.exec(select(Match).where(Match.line_id == line.id)).one()
        decisions.household_accepts(
            session,
            match.id,
            data_fields=["name"],
            agrees_to_share=True,
            agrees_to_terms=True,
            person_id=person.id,
            actor=make.as_household(household),
            now=self.now,
        )
        grant = Grant(household, person, match, name, place)
        self.grants.append(grant)
        if account and known is None:
            self.type_account(grant)
            payees.permit(session, household.id, [match.id], actor=grant.actor, now=self.now)
        return grant

    def type_account(self, grant: Grant, *, actor: Actor | None = None, **over: object) -> payees.Payee:
        """The household's account, in the name of its own person."""
        values = {
            "holder": grant.name,
            "relation": "SELF",
            "bank": "示例银行渝中支行",
            "kind": AccountKind.CARD,
            "account": card(grant.number),
            **over,
        }
        typed = payees.Typed(**values)  # type: ignore[arg-type]
        return payees.save_account(self.session, grant.household.id, typed, actor=actor or grant.actor, now=self.now)

    def prepare(self) -> PaymentBatch:
        """A draft of everything that can be paid."""
        return batches.prepare(self.session, self.organisation.id, actor=self.clerk, now=self.now).batch

    def release(self, batch: PaymentBatch) -> PaymentBatch:
        """The second person lets it go."""
        return batches.release(self.session, batch.id, fingerprint=batch.fingerprint, actor=self.manager, now=self.now)

    def file(self, batch: PaymentBatch, *, form: files.Form = "csv") -> files.PaymentFile:
        """The file, after what may not be paid was dropped."""
        files.settle(self.session, batch.id, actor=self.clerk, now=self.now)
        return files.open_file(self.session, batch.id, form=form, lang="en", actor=self.clerk, now=self.now)

    def sent(self) -> PaymentBatch:
        """Prepared, released, and with the bank."""
        batch = self.release(self.prepare())
        self.file(batch)
        return batch

    def lines(self, batch: PaymentBatch) -> list[PaymentLine]:
        """The lines of a batch."""
        return batches.lines_of(self.session, batch.id)

    def answer(self, rows: list[tuple[str, str, str]], *, day: str = "2026-11-23") -> dict[str, int]:
        """The bank's table of (reference, result, reason), checked and confirmed."""
        batch, checked = self.check(rows, day=day)
        assert checked.faults == [], [fault.code for fault in checked.faults]
        return dict(results.confirm_import(self.session, batch.id, actor=self.manager, now=self.now))

    def check(self, rows: list[tuple[str, str, str]], *, day: str = "2026-11-23") -> tuple:  # type: ignore[type-arg]
        """The dry run of the same."""
        return self.check_days([(*row, day) for row in rows])

    def check_days(self, rows: list[tuple[str, str, str, str]]) -> tuple:  # type: ignore[type-arg]
        """The dry run of rows that have days of their own."""
        data = write_csv(["reference", "result", "reason_code", "on_day"], rows)
        return results.check_file(self.session, data, file_name="bank.csv", actor=self.manager, now=self.now)


def a_month(session: Session, now: datetime, *, grants: int = 0, stock: int = 10**12) -> Month:
    """A foundation whose standing yes goes straight to the households, with so many payable grants."""
    organisation = make.an_organisation(session)
    offer = make.an_offer(
        session,
        organisation,
        category="EDU.TERM_SUPPORT",
        unit="FEN",
        stock_units=stock,
        acceptance=Acceptance.STANDING,
        title="在读助学金",
    )
    month = Month(session, organisation, offer, now)
    for _ in range(grants):
        month.grant()
    return month
