"""A long random walk over the life of consents: at every look the house says what a ten-line model says.

The model knows nothing of the house's code: for each consent its recipient, match, fields, period and state. Four bugs
are planted, one at a time, and the walk has to find each.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session, select

from marketplace import audit
from marketplace.actors import Actor, Role
from marketplace.consent import changes
from marketplace.consent import service as consent
from marketplace.consent.models import ConsentHead
from marketplace.db import Database
from marketplace.errors import DomainError
from marketplace.households.models import Household, Person
from marketplace.organisations.models import Organisation
from marketplace.sharing import pipeline
from marketplace.sharing import service as sharing
from tests import factories as make
from tests.marketplace import figures

FIELDS = ("name", "phone", "household_size", "pickup_code")
EPISODE = 500
EPISODES = figures.count(2, torture=200)
OFFICER = Actor(id="officer", role=Role.PROTECTION_OFFICER)


@dataclass
class Held:
    """What the model knows of one consent."""

    home: int
    org: int
    match: str
    fields: set[str]
    begins: datetime
    ends: datetime
    state: str = "active"

    def shows(self, *, org: int, match: str, wanted: set[str] | None, now: datetime) -> set[str] | None:
        """The fields this look may see; None where nothing may be seen at all."""
        alive = self.state == "active" and self.begins <= now < self.ends
        asked = self.fields if wanted is None else wanted
        fits = org == self.org and match == self.match and asked <= self.fields and (wanted is None or bool(wanted))
        return set(asked) if alive and fits else None


class Wrong(AssertionError):
    """The house and the model disagree."""


@dataclass
class Walk:
    """One episode: a few households and givers, and random acts of everybody."""

    session: Session
    dice: random.Random
    now: datetime
    homes: list[Household] = field(default_factory=list)
    people: list[Person] = field(default_factory=list)
    orgs: list[Organisation] = field(default_factory=list)
    held: dict[str, Held] = field(default_factory=dict)
    looks: int = 0
    shown: int = 0

    def __post_init__(self) -> None:
        for number in range(2):
            self.homes.append(make.a_household(self.session, phone=f"1000000{number:04d}"))
            self.orgs.append(make.an_organisation(self.session))
        for home in self.homes:
            self.people.append(self.session.exec(select(Person).where(Person.household_id == home.id)).one())

    def step(self) -> None:
        """One act, or one look, or some time passes."""
        acts: list[tuple[int, Callable[[], None]]] = [
            (3, self.give), (8, self.look), (1, self.wait), (1, self.expire),
            (1, lambda: self.turn("withdraw")), (2, lambda: self.turn("pause")), (2, lambda: self.turn("resume")),
            (1, lambda: self.turn("narrow")), (1, lambda: self.turn("void")),
        ]  # fmt: skip
        self.dice.choices([act for _weight, act in acts], [weight for weight, _act in acts])[0]()

    def own(self, home: int) -> Actor:
        return make.as_household(self.homes[home])

    def give(self) -> None:
        """A new yes; one for the same match takes the place of the earlier."""
        home, org, match = self.dice.randrange(2), self.dice.randrange(2), f"m{self.dice.randrange(3)}"
        fields = set(self.dice.sample(FIELDS, self.dice.randint(1, 4)))
        days = self.dice.randint(1, 40)
        for one in self.held.values():
            if (one.home, one.org, one.match) == (home, org, match) and one.state in ("active", "paused"):
                one.state = "superseded"
        given = consent.give_for_match(
            self.session, self.homes[home], organisation=self.orgs[org], match_id=match, purpose="GOODS",
            data_fields=sorted(fields), person_id=self.people[home].id, days=days, actor=self.own(home), now=self.now,
        )  # fmt: skip
        ends = self.now + timedelta(days=days)
        self.held[given.chain_id] = Held(home, org, match, fields, self.now, ends)

    def wait(self) -> None:
        self.now += timedelta(hours=self.dice.randint(1, 200))

    def expire(self) -> None:
        """The nightly job for one consent: it writes down what is true already."""
        for chain, one in self.held.items():
            if self.now >= one.ends and one.state in ("active", "paused"):
                assert changes._expire(self.session, chain, now=self.now)
                one.state = "expired"
                return

    def turn(self, what: str) -> None:
        """One act on one consent; the house must refuse it exactly where the model does."""
        if not self.held:
            return
        chain = self.dice.choice(list(self.held)[-8:])
        one, over = self.held[chain], self.now >= self.held[chain].ends
        keep_, until = set(self.dice.sample(FIELDS, 2)), self.now + timedelta(days=self.dice.randint(1, 20))
        own: dict[str, Any] = {"actor": self.own(one.home), "now": self.now}
        living = one.state in ("active", "paused")
        plan: dict[str, tuple[bool, Callable[[], object], str]] = {
            "withdraw": (living, lambda: consent.withdraw(self.session, chain, **own), "revoked"),
            "pause": (one.state == "active" and not over, lambda: changes.pause(self.session, chain, **own), "paused"),
            "resume": (
                one.state == "paused" and not over,
                lambda: changes.resume(self.session, chain, **own),
                "active",
            ),
            "narrow": (
                living and not over,
                lambda: changes.narrow(self.session, chain, keep=keep_, until=until, **own),
                one.state,
            ),
            "void": (
                living,
                lambda: changes.void(self.session, chain, reason_code="forged", actor=OFFICER, now=self.now),
                "void",
            ),
        }
        allowed, act, after = plan[what]
        try:
            act()
        except DomainError as error:
            if allowed:
                raise Wrong(f"{what} was refused: {error.code}") from error
            return
        if not allowed:
            raise Wrong(f"{what} was let through in state {one.state}")
        one.state = after
        if what == "narrow":
            one.fields &= keep_
            one.ends = min(one.ends, until)

    def look(self) -> None:
        """Somebody looks: the right giver or the other, for this match or another, for some fields or all."""
        if not self.held:
            return
        chain = self.dice.choice(list(self.held)[-8:])
        one = self.held[chain]
        org = one.org if self.dice.random() < 0.85 else 1 - one.org
        match = one.match if self.dice.random() < 0.85 else "m9"
        wanted = None if self.dice.random() < 0.5 else set(self.dice.sample(FIELDS, self.dice.randint(0, 2)))
        may = one.shows(org=org, match=match, wanted=wanted, now=self.now)
        giver = Actor(id=f"giver-{org}", role=Role.CHARITY_WORKER, org_id=self.orgs[org].id)
        try:
            seen: set[str] | None = set(
                sharing.disclose(
                    self.session, chain, match_id=match, purpose="GOODS", actor=giver, now=self.now, wanted=wanted
                )
            )
        except DomainError:
            seen = None
        self.looks += 1
        self.shown += seen is not None
        if seen != may:
            raise Wrong(f"the house showed {seen}, the model allows {may}: state {one.state}")

    def settle(self) -> None:
        """At the end every head is in the model's state."""
        for chain, one in self.held.items():
            if self.session.get_one(ConsentHead, chain).state.value != one.state:
                raise Wrong(f"{chain} is not {one.state}")


def _walk(database: Database, seed: int, now: datetime, *, steps: int = EPISODE) -> tuple[int, int]:
    """One episode, rolled back at its end."""
    with database.session(writes=True) as session:
        walk = Walk(session, random.Random(seed), now)
        for _ in range(steps):
            walk.step()
        walk.settle()
        assert audit.verify(session).bad_seq == 0
        session.rollback()
    return walk.looks, walk.shown


def _walks(database: Database, episodes: int, now: datetime) -> tuple[int, int]:
    """So many episodes; how many looks there were, and how many showed something."""
    first = 10_000 * figures.seed()
    told = [_walk(database, seed, now) for seed in range(first, first + episodes)]
    return sum(looks for looks, _shown in told), sum(shown for _looks, shown in told)


@pytest.mark.threat("T02")
@pytest.mark.threat("T04")
def test_the_house_never_shows_more_or_less_than_the_model_allows(sqlite_database: Database, now: datetime) -> None:
    looks, shown = _walks(sqlite_database, EPISODES, now)
    assert looks > EPISODES * EPISODE // 4
    assert shown > looks // 20
    figures.keep(EPISODES * EPISODE, looks=looks, shown=shown)


def _forget(question: str) -> tuple[tuple[str, Callable[[pipeline.Facts], bool]], ...]:
    return tuple(pair for pair in pipeline.QUESTIONS if pair[0] != question)


@pytest.mark.parametrize("bug", ["no state asked", "no period asked", "no recipient asked", "narrowing keeps all"])
def test_a_planted_bug_is_found(
    sqlite_database: Database, now: datetime, monkeypatch: pytest.MonkeyPatch, bug: str
) -> None:
    if bug == "narrowing keeps all":
        whole = changes.narrow
        monkeypatch.setattr(changes, "narrow", lambda *a, **k: whole(*a, **{**k, "keep": set(FIELDS)}))
    else:
        monkeypatch.setattr(pipeline, "QUESTIONS", _forget(bug.split()[1].upper()))
    with pytest.raises(Wrong):
        _walks(sqlite_database, 20, now)
