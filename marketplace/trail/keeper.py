"""The keeper: makes a checkpoint every minute or every thousand rows and carries it to the witnesses.

Enters: the database and a door to each witness. Leaves: checkpoints, their cosignatures, and an alarm where a witness
would not sign. The worker calls it between jobs. Nothing is sent inside a transaction; a witness that does not answer
is asked again at the next checkpoint, and after 15 minutes without enough of them disclosures stop by themselves.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, func
from sqlmodel import Session, col, select

from adapters.ports import OutsideError, WillNeverWork, WitnessDoor
from marketplace.audit import AuditHead
from marketplace.db import Database, new_id
from marketplace.errors import Conflict
from marketplace.trail import tree
from marketplace.trail.models import AuditAlarm, AuditCheckpoint, AuditCosignature
from marketplace.trail.service import SKEW, make_checkpoint, subtree_of
from shanqiao_verify import Refused, VerifierKey, parse_note

log = logging.getLogger("shanqiao.trail")
EVERY = timedelta(seconds=60)
ROWS = 1000


class Keeper:
    """One for each worker; `witnesses` maps each witness's verifier key to its door."""

    def __init__(
        self, database: Database, witnesses: Mapping[str, WitnessDoor], *, clock: Callable[[], datetime]
    ) -> None:
        self._database, self._witnesses, self._clock = database, dict(witnesses), clock
        self._last, self._size = datetime.min.replace(tzinfo=UTC), 0

    def __call__(self) -> None:
        """Make and carry a checkpoint if one is due."""
        now = self._clock()
        with self._database.reading() as session:
            size = session.scalar(select(col(AuditHead.seq))) or 0
        if now - self._last < EVERY and size - self._size < ROWS:
            return
        self._last, self._size = now, size
        self.keep(now)

    def keep(self, now: datetime) -> None:
        """Make a checkpoint now and show it to every witness."""
        try:
            with self._database.transaction() as session:
                checkpoint = make_checkpoint(session, now=now)
        except Conflict:  # another worker made the same one at the same moment
            return
        if checkpoint is None:
            return
        for text, door in self._witnesses.items():
            try:
                self._show(VerifierKey.read(text), door, checkpoint, now)
            except (WillNeverWork, Refused) as error:
                self._alarm(VerifierKey.read(text).name, checkpoint.size, getattr(error, "code", "bad_answer"), now)
            except OutsideError as error:
                log.warning("a witness does not answer: %s", error.code)

    def _show(self, key: VerifierKey, door: WitnessDoor, checkpoint: AuditCheckpoint, now: datetime) -> None:
        with self._database.reading() as session:
            asked = select(func.max(col(AuditCosignature.size))).where(col(AuditCosignature.witness) == key.name)
            known = session.scalar(asked) or 0
        answer = self._ask(door, known, checkpoint)
        if isinstance(answer, int):
            if answer > checkpoint.size:
                raise WillNeverWork("The witness has seen a longer log.", code="witness_ahead")
            answer = self._ask(door, answer, checkpoint)
        if isinstance(answer, int):
            raise WillNeverWork("The witness contradicts itself.", code="bad_answer")
        body, _ = parse_note(checkpoint.note)
        stamp = next((at for at in (key.signed_at(body, raw) for raw in _raws(body, answer)) if at is not None), None)
        if stamp is None:
            raise WillNeverWork("The witness signed with another key.", code="bad_answer")
        if stamp > (now + SKEW).timestamp():
            raise WillNeverWork("The witness's clock is ahead of ours.", code="bad_answer")
        with self._database.transaction() as session:
            _keep_line(session, key.name, checkpoint.size, stamp, answer)

    def _ask(self, door: WitnessDoor, known: int, checkpoint: AuditCheckpoint) -> str | int:
        with self._database.reading() as session:
            proof = tree.consistency(known, checkpoint.size, subtree_of(session))
        return door.add_checkpoint(known, proof=proof, note=checkpoint.note)

    def _alarm(self, witness: str, size: int, code: str, now: datetime) -> None:
        """Nobody may overlook it: it stands on the auditor's page and in the log."""
        log.error("witness %s does not sign the checkpoint of %d rows: %s", witness, size, code)
        same = (col(AuditAlarm.witness) == witness, col(AuditAlarm.size) == size, col(AuditAlarm.code) == code[:32])
        with self._database.transaction() as session:
            if session.exec(select(AuditAlarm).where(*same)).first() is None:
                session.add(AuditAlarm(id=new_id(), at=now, size=size, witness=witness, code=code[:32]))


def _raws(body: str, lines: str) -> list[bytes]:
    return [raw for _, raw in parse_note(f"{body}\n{lines}")[1]]


def _keep_line(session: Session, witness: str, size: int, stamp: int, line: str) -> None:
    same = (col(AuditCosignature.size) == size, col(AuditCosignature.witness) == witness)
    session.execute(delete(AuditCosignature).where(*same))
    at = datetime.fromtimestamp(stamp, tz=UTC)
    session.add(AuditCosignature(size=size, witness=witness, at=at, line=line))
