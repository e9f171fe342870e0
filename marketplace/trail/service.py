"""Checkpoints over the audit chain, proofs for its rows, and whether the chain is being watched at this moment.

Enters: a session and the settings. Leaves: a signed checkpoint of all rows there are, the proof of one row, or the one
word that disclosures ask for: fresh. Called by the keeper (once a minute), by the pages, and by whoever discloses.
"""

from __future__ import annotations

import base64
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, insert
from sqlmodel import Session, col, select

from marketplace.audit import FIELDS, AuditHead, AuditRow
from marketplace.config import FEWEST_WITNESSES, Settings
from marketplace.errors import NotFound, WrongState
from marketplace.reference.districts import every_code
from marketplace.signing import CITY, checkpoint_key, log_name, public_keys
from marketplace.trail import notes, tree
from marketplace.trail.models import AuditCheckpoint, AuditCosignature, AuditNode

STALE = timedelta(minutes=15)
"""Without a witnessed checkpoint younger than this, nothing more is disclosed."""
SKEW = timedelta(minutes=1)
"""A witness's clock may be ahead of ours by this much; more means that ours was set back."""
BLOCK_BITS = 8


def settings_of(session: Session) -> Settings:
    """The settings that this session was opened with."""
    found: Settings = session.info["settings"]
    return found


def quorum_of(settings: Settings) -> int:
    """How many witnesses must have seen a checkpoint: two, or none where the setting says so."""
    return FEWEST_WITNESSES if settings.witnesses else 0


def trust_file(settings: Settings) -> dict[str, Any]:
    """The public keys of issuers, log and witnesses, as `/trust/keys.json` tells them: of those that sign, and of those
    that did before (districts that ended, former witnesses), for what they signed still holds."""
    witnesses = [key for key, _address in settings.witnesses]
    return {
        "keys": public_keys(settings, dict.fromkeys([CITY, *every_code()])),
        "log": notes.verifier_key(log_name(settings), checkpoint_key(settings), notes.LOG),
        "witnesses": list(dict.fromkeys([*witnesses, *settings.former_witnesses])),
        "quorum": quorum_of(settings),
    }


def audit_fresh(session: Session, now: datetime) -> bool:
    """Whether enough witnesses have cosigned the chain within the last 15 minutes.

    Disclosures ask it and fail closed (AUDIT_STALE). Where the settings name no witness the answer is yes. A witness
    whose clock ran ahead of ours counts as one that has not signed.
    """
    wanted = quorum_of(settings_of(session))
    if not wanted:
        return True
    newest = select(func.max(col(AuditCosignature.at))).where(col(AuditCosignature.at) <= now + SKEW)
    times = sorted(session.scalars(newest.group_by(col(AuditCosignature.witness))), reverse=True)
    return len(times) >= wanted and now - STALE < times[wanted - 1]


def make_checkpoint(session: Session, *, now: datetime) -> AuditCheckpoint | None:
    """Sign the root over all rows there are, unless that was done; None while there is no row."""
    size = session.scalar(select(col(AuditHead.seq))) or 0
    kept = session.get(AuditCheckpoint, size)
    if not size or kept is not None:
        return kept
    store_blocks(session, size)
    root = tree.root(size, subtree_of(session))
    settings = settings_of(session)
    name, key = log_name(settings), checkpoint_key(settings)
    body = notes.body_of(name, size, root)
    made = AuditCheckpoint(size=size, root=root.hex(), at=now, note=notes.note(body, notes.signature(name, key, body)))
    session.add(made)
    session.flush()
    return made


def store_blocks(session: Session, size: int) -> None:
    """Keep the hashes of the blocks that have become complete."""
    for level in range(BLOCK_BITS, size.bit_length(), BLOCK_BITS):
        kept = session.scalar(select(func.max(col(AuditNode.place))).where(col(AuditNode.level) == level))
        first = 0 if kept is None else int(kept) + 1
        rows = [
            {"level": level, "place": place, "hash": tree.fold(_row_of(session, level - BLOCK_BITS, place, BLOCK_BITS))}
            for place in range(first, size >> level)
        ]
        if rows:
            session.execute(insert(AuditNode), rows)


def subtree_of(session: Session) -> tree.Subtree:
    """The hash of any complete subtree, out of the kept blocks and the rows."""

    def subtree(level: int, place: int) -> bytes:
        kept = level // BLOCK_BITS * BLOCK_BITS
        return tree.fold(_row_of(session, kept, place, level - kept))

    return subtree


def _row_of(session: Session, level: int, place: int, bits: int) -> list[bytes]:
    """The ``2 ** bits`` hashes of this level below one node."""
    first, last = place << bits, (place + 1) << bits
    if level:
        asked = select(col(AuditNode.hash)).where(col(AuditNode.level) == level)
        found = [
            bytes(value)
            for value in session.scalars(
                asked.where(col(AuditNode.place) >= first, col(AuditNode.place) < last).order_by(col(AuditNode.place))
            )
        ]
    else:
        stored = select(col(AuditRow.hash)).where(col(AuditRow.seq) > first, col(AuditRow.seq) <= last)
        found = [tree.leaf_hash(bytes.fromhex(value)) for value in session.scalars(stored.order_by(col(AuditRow.seq)))]
    if len(found) != last - first:
        raise WrongState("audit_rows_missing", level=level, place=place)
    return found


def newest_checkpoint(session: Session, *, covering: int = 1) -> AuditCheckpoint | None:
    """The newest checkpoint that enough witnesses have seen and that covers this row."""
    asked = select(AuditCheckpoint).where(col(AuditCheckpoint.size) >= covering)
    wanted = quorum_of(settings_of(session))
    if wanted:
        seen = select(col(AuditCosignature.size)).group_by(col(AuditCosignature.size))
        asked = asked.where(col(AuditCheckpoint.size).in_(seen.having(func.count() >= wanted)))
    return session.exec(asked.order_by(col(AuditCheckpoint.size).desc()).limit(1)).first()


def whole_note(session: Session, checkpoint: AuditCheckpoint, /) -> str:
    """The checkpoint with every cosignature there is."""
    asked = select(col(AuditCosignature.line)).where(col(AuditCosignature.size) == checkpoint.size)
    return checkpoint.note + "".join(session.scalars(asked.order_by(col(AuditCosignature.witness))))


def proof_of_row(session: Session, seq: int, /, *, below: tree.Subtree | None = None) -> dict[str, Any]:
    """A row, the way up from it, and the newest witnessed checkpoint above it; `below` remembers subtrees for many.

    Raises NotFound for a row that does not exist, WrongState while no checkpoint covers it yet (a minute at most).
    """
    row = session.get(AuditRow, seq)
    if row is None:
        raise NotFound("audit_row")
    checkpoint = newest_checkpoint(session, covering=seq)
    if checkpoint is None:
        raise WrongState("no_checkpoint_yet")
    path = tree.inclusion(seq - 1, checkpoint.size, below or subtree_of(session))
    return {
        "row": [getattr(row, name) for name in FIELDS],
        "inclusion": [base64.b64encode(step).decode() for step in path],
        "checkpoint": whole_note(session, checkpoint),
    }


def own_proof(session: Session, seq: int, /, *, subjects: Collection[str]) -> Mapping[str, Any]:
    """The proof of a row that bears one of these marks; NotFound for any other row."""
    row = session.get(AuditRow, seq)
    if row is None or row.subject_ref not in subjects:
        raise NotFound("audit_row")
    return proof_of_row(session, seq)


def first_false_checkpoint(session: Session) -> int:
    """The size of the first kept checkpoint whose root the rows no longer give; 0 if all of them hold. O(rows).

    The chain alone cannot show a history that was rewritten whole; the roots kept here, and outside, do.
    """
    roots = dict(session.execute(select(col(AuditCheckpoint.size), col(AuditCheckpoint.root))).all())
    peaks: list[bytes] = []
    size = 0
    for stored in session.scalars(select(col(AuditRow.hash)).order_by(col(AuditRow.seq))):
        size, rest = size + 1, size
        node = tree.leaf_hash(bytes.fromhex(stored))
        while rest & 1:
            node, rest = tree.node_hash(peaks.pop(), node), rest >> 1
        peaks.append(node)
        wanted = roots.pop(size, None)
        if wanted is not None and wanted != _joined(peaks).hex():
            return size
    return min(roots, default=0)


def _joined(peaks: list[bytes]) -> bytes:
    found = peaks[-1]
    for peak in reversed(peaks[:-1]):
        found = tree.node_hash(peak, found)
    return found
