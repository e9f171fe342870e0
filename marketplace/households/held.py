"""What this room keeps of a household, for the eraser: people, categories and records of the same person.

Enters: nothing. Leaves: `HELD`, this room's part of the answer whether anything is open (see `marketplace.held`).
"""

from __future__ import annotations

from sqlmodel import col

from marketplace.calendar import local_day
from marketplace.held import Held, row_of
from marketplace.households.categories import runs_on
from marketplace.households.entering import AGREE_WITHIN
from marketplace.households.models import (
    AskState,
    ByHand,
    CategoryAsk,
    Guardian,
    Household,
    Listed,
    Person,
    SafeContact,
    SearchKey,
    Spell,
    Suspicion,
    Trace,
    WeChatTie,
)
from marketplace.households.suspicions import WAITING
from marketplace.sealed import PersonKey

ENDS = (Guardian.verified_at, Guardian.ended_at)
HELD = (
    Held(Household, col(Household.id), at=(Household.created_at,)),
    Held(Person, col(Person.household_id), at=(Person.created_at, Person.left_on)),
    Held(
        Spell,
        col(Spell.household_id),
        at=(Spell.entered_at, Spell.ended_at, Spell.to_on),
        waits=lambda now: runs_on(local_day(now)),
    ),
    Held(
        CategoryAsk,
        col(CategoryAsk.household_id),
        at=(CategoryAsk.asked_at, CategoryAsk.decided_at),
        waits=lambda now: (col(CategoryAsk.state) == AskState.ASKED) & (col(CategoryAsk.asked_at) > now - AGREE_WITHIN),
    ),
    Held(Listed, col(Person.household_id), at=(Listed.told_at,), joins=(row_of(Person, Listed.person_id),)),
    Held(ByHand, col(ByHand.household_id), at=(ByHand.since_at,)),
    Held(Guardian, col(Person.household_id), at=ENDS, joins=(row_of(Person, Guardian.child_id),)),
    Held(Guardian, col(Person.household_id), at=ENDS, joins=(row_of(Person, Guardian.guardian_id),)),
    *(
        Held(
            Suspicion,
            col(Person.household_id),
            at=(Suspicion.raised_at, Suspicion.decided_at),
            waits=lambda now: col(Suspicion.state).in_(WAITING),
            joins=(row_of(Person, person),),
        )
        for person in (Suspicion.one_id, Suspicion.two_id)
    ),
    Held(WeChatTie, col(Person.household_id), at=(WeChatTie.tied_at,), joins=(row_of(Person, WeChatTie.person_id),)),
    Held(
        SafeContact,
        col(Person.household_id),
        at=(SafeContact.since_at,),
        joins=(row_of(Person, SafeContact.person_id),),
    ),
    *(Held(table) for table in (PersonKey, SearchKey, Trace)),
)
