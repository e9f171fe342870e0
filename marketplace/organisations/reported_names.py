"""Names of givers in reported aid that no organisation here has, and that are near to one: a question for staff.

Enters: names as files, feeds and interfaces tell them; a person's answer. Leaves: one question for each name, until it
is kept under "Its names" of an organisation, whose aid it counts as then, or called another giver. Nothing waits for
it. Called by the ledger, where aid is written, and by staff's pages.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlmodel import Session, col, func, select

from marketplace import audit
from marketplace.actors import Actor
from marketplace.db import chunks, flush, new_id
from marketplace.errors import NotFound
from marketplace.organisations.models import Organisation, OrganisationAlias, ReportedName
from marketplace.policy import require
from matching.identity_organisations import Verdict, compare_organisations, name_key

NEAREST = (Verdict.SAME, Verdict.PART, Verdict.REVIEW)
MOST = 50
"""So many are shown at once, the oldest first; the others come up as these are answered."""
_ASKED = 400


def ask_about(session: Session, names: Iterable[str], /, *, now: datetime) -> int:
    """Raise every name that is new here and near to an organisation; returns how many."""
    wanted = {name_key(name)[:120]: name.strip() for name in sorted(set(names))}
    wanted.pop("", None)
    for known_as in (col(OrganisationAlias.key), col(ReportedName.key)):
        for some in chunks(sorted(wanted), _ASKED):
            for key in session.exec(select(known_as).where(known_as.in_(some))).all():
                del wanted[key]
    if not wanted:
        return 0
    known = session.exec(select(Organisation).order_by(col(Organisation.id))).all()
    called = {one.id: one.name for one in known}
    short = session.exec(select(OrganisationAlias).where(col(OrganisationAlias.own).is_(False))).all()
    aliases = {row.name: called[row.org_id] for row in short}
    raised = [
        ReportedName(id=new_id(), key=key, name=name[:120], org_id=near.id, said=said.name.lower(), raised_at=now)
        for key, name in wanted.items()
        for near, said in _nearest(name, known, aliases)
    ]
    session.add_all(raised)
    flush(session)
    return len(raised)


def _nearest(name: str, known: Sequence[Organisation], aliases: dict[str, str]) -> list[tuple[Organisation, Verdict]]:
    """The one organisation that the name is nearest to, or none."""
    told = [(one, compare_organisations((name, ""), (one.name, ""), aliases=aliases)) for one in known]
    near = [(one, said) for one, said in told if said in NEAREST]
    return sorted(near, key=lambda found: NEAREST.index(found[1]))[:1]


def list_open(session: Session, /, *, actor: Actor) -> list[tuple[ReportedName, Organisation]]:
    """The names that wait for a person, the oldest first, each with what it is near to."""
    require(actor, "organisation:list")
    wanted = select(ReportedName, Organisation).join(Organisation, col(Organisation.id) == col(ReportedName.org_id))
    wanted = wanted.where(col(ReportedName.decided_at).is_(None))
    rows = session.exec(wanted.order_by(col(ReportedName.raised_at), col(ReportedName.id)).limit(MOST)).all()
    return [(name, organisation) for name, organisation in rows]


def count_open(session: Session, /) -> int:
    """How many wait."""
    asked = select(func.count()).select_from(ReportedName).where(col(ReportedName.decided_at).is_(None))
    return session.exec(asked).one()


def is_another(session: Session, name_id: str, /, *, actor: Actor, now: datetime) -> ReportedName:
    """A person says that the name is another giver's: it is not asked about again."""
    require(actor, "organisation:same")
    found = session.get(ReportedName, name_id, with_for_update=True, populate_existing=True)
    if found is None or found.decided_at is not None:
        raise NotFound("reported_name")
    found.decided_by, found.decided_at = actor.id, now
    session.add(found)
    flush(session)
    entry = audit.Entry("organisation:other_name", object_ref=found.id, body={"near": found.org_id})
    audit.record(session, entry, actor=actor, now=now)
    return found


def forget(session: Session, key: str, /) -> None:
    """The name is kept under an organisation: the question is answered."""
    for row in session.exec(select(ReportedName).where(ReportedName.key == key)).all():
        session.delete(row)
    flush(session)
