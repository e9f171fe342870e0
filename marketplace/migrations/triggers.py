"""The database's own guards, as triggers on both engines: histories that nobody can rewrite, and sums that nobody can
overspend. Enters: a dialect name. Leaves: the statements that the first migration runs.
"""

from __future__ import annotations

from collections.abc import Iterator

FROZEN = (
    "aid_month",
    "audit_row",
    "audit_body",
    "audit_checkpoint",
    "audit_node",
    "bank_number",
    "bank_result",
    "consent",
    "consent_receipt",
    "disclosure",
    "donor_consent",
    "giver_result",
    "household_call",
    "line_decision",
    "project_report",
    "report_photo",
)
"""Tables whose rows are written once."""

ORDERED = (
    "payment_line",
    ("batch_id", "match_id", "household_id", "payee_id", "reference", "amount_fen", "account_mark"),
)
"""A table whose rows move on but never say anything else than at first: these columns are written once."""

COUNTED = (("need", "need_id"), ("offer", "offer_id"))
"""Tables whose `committed_units` sums the live ledger rows that name them."""


_STANDING = "need_id, at, state, gap_units, committed_units"
_OF_NEED = "NEW.id, NEW.updated_at, NEW.state, NEW.gap_units, NEW.committed_units"
STANDS = f"INSERT INTO need_standing ({_STANDING}) VALUES ({_OF_NEED}); "
"""How a need stands from now on, after its state or gap was written."""
CHANGES = "OLD.state <> NEW.state OR OLD.gap_units <> NEW.gap_units"


def _stands_after(old: str, new: str) -> str:
    """The same after what is committed has changed: the moment is the ledger row's own."""
    named = f"SELECT id, {new}.updated_at, state, gap_units, committed_units FROM need WHERE id = {new}.need_id"
    changed = f"({old}.state = 'returned') <> ({new}.state = 'returned') OR {old}.units <> {new}.units"
    moved = f"COALESCE({old}.need_id, '') <> COALESCE({new}.need_id, '')"
    only = f" AND ({changed} OR {moved})" if old != new else ""
    return f"INSERT INTO need_standing ({_STANDING}) {named}{only}; "


def statements(dialect: str) -> tuple[str, ...]:
    """All trigger statements of one engine."""
    make = _sqlite if dialect == "sqlite" else _postgres
    return tuple(make())


def _sqlite() -> Iterator[str]:
    for table in FROZEN:
        for act in ("UPDATE", "DELETE"):
            yield (
                f"CREATE TRIGGER {table}_no_{act.lower()} BEFORE {act} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is written once'); END"
            )
    yield (
        "CREATE TRIGGER audit_row_follows BEFORE INSERT ON audit_row "
        "WHEN NEW.seq <> (SELECT COALESCE(MAX(seq), 0) + 1 FROM audit_row) OR NEW.prev <> COALESCE("
        "(SELECT hash FROM audit_row WHERE seq = NEW.seq - 1), "
        f"'{'0' * 64}') BEGIN SELECT RAISE(ABORT, 'audit_row does not follow the head'); END"
    )
    yield (
        "CREATE TRIGGER audit_head_moves BEFORE UPDATE ON audit_head "
        "WHEN NEW.id <> OLD.id OR NEW.seq <= OLD.seq OR NEW.seq <> (SELECT MAX(seq) FROM audit_row) "
        "OR NEW.hash <> (SELECT hash FROM audit_row WHERE seq = NEW.seq) "
        "BEGIN SELECT RAISE(ABORT, 'audit_head moves only with an append'); END"
    )
    for act in ("DELETE", "INSERT"):
        yield (
            f"CREATE TRIGGER audit_head_no_{act.lower()} BEFORE {act} ON audit_head "
            "BEGIN SELECT RAISE(ABORT, 'audit_head has one row'); END"
        )
    yield from _sqlite_ordered()
    yield from _sqlite_counters()
    yield from _sqlite_frozen()


def _sqlite_ordered() -> Iterator[str]:
    table, columns = ORDERED
    for act in (f"UPDATE OF {', '.join(columns)}", "DELETE"):
        yield (
            f"CREATE TRIGGER {table}_no_{act.split()[0].lower()} BEFORE {act} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is written once'); END"
        )


def _sqlite_frozen() -> Iterator[str]:
    """A published report and a closed meeting with their rows can neither change nor go."""
    for head, rows, state, told in (
        ("report", "report_row", "published", "a published report is frozen"),
        ("meeting", "meeting_row", "closed", "a closed meeting is frozen"),
    ):
        over = f"(SELECT state FROM {head} WHERE id = {{row}}.{head}_id) = '{state}'"
        for act, row in (("INSERT", "NEW"), ("UPDATE", "OLD"), ("DELETE", "OLD")):
            yield (
                f"CREATE TRIGGER {rows}_no_{act.lower()} BEFORE {act} ON {rows} "
                f"WHEN {over.format(row=row)} BEGIN SELECT RAISE(ABORT, '{told}'); END"
            )
        for act in ("UPDATE", "DELETE"):
            yield (
                f"CREATE TRIGGER {head}_no_{act.lower()} BEFORE {act} ON {head} WHEN OLD.state = '{state}' "
                f"BEGIN SELECT RAISE(ABORT, '{told}'); END"
            )


def _sqlite_counters() -> Iterator[str]:
    def moved(row: str, sign: str) -> str:
        return "".join(
            f"UPDATE {table} SET committed_units = committed_units {sign} {row}.units "
            f"WHERE id = {row}.{key} AND {row}.state <> 'returned'; "
            for table, key in COUNTED
        )

    yield f"CREATE TRIGGER need_stands_insert AFTER INSERT ON need BEGIN {STANDS}END"
    yield (
        f"CREATE TRIGGER need_stands_update AFTER UPDATE OF state, gap_units ON need WHEN {CHANGES} BEGIN {STANDS}END"
    )
    yield (
        "CREATE TRIGGER ledger_entry_counts_insert AFTER INSERT ON ledger_entry "
        f"BEGIN {moved('NEW', '+')}{_stands_after('NEW', 'NEW')}END"
    )
    yield f"CREATE TRIGGER ledger_entry_counts_delete AFTER DELETE ON ledger_entry BEGIN {moved('OLD', '-')}END"
    yield (
        "CREATE TRIGGER ledger_entry_counts_update AFTER UPDATE OF state, units, need_id, offer_id ON ledger_entry "
        f"BEGIN {moved('OLD', '-')}{moved('NEW', '+')}{_stands_after('OLD', 'NEW')}END"
    )


def _postgres() -> Iterator[str]:
    yield (
        "CREATE FUNCTION written_once() RETURNS trigger LANGUAGE plpgsql AS $$ "
        "BEGIN RAISE EXCEPTION '% is written once', TG_TABLE_NAME; END $$"
    )
    for table in FROZEN:
        yield (
            f"CREATE TRIGGER {table}_written_once BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION written_once()"
        )
    yield (
        "CREATE FUNCTION audit_row_follows() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF NEW.seq <> (SELECT COALESCE(MAX(seq), 0) + 1 FROM audit_row) OR NEW.prev <> COALESCE("
        f"(SELECT hash FROM audit_row WHERE seq = NEW.seq - 1), '{'0' * 64}') "
        "THEN RAISE EXCEPTION 'audit_row does not follow the head'; END IF; RETURN NEW; END $$"
    )
    yield (
        "CREATE TRIGGER audit_row_follows BEFORE INSERT ON audit_row FOR EACH ROW EXECUTE FUNCTION audit_row_follows()"
    )
    yield (
        "CREATE FUNCTION audit_head_moves() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF TG_OP <> 'UPDATE' THEN RAISE EXCEPTION 'audit_head has one row'; END IF; "
        "IF NEW.id <> OLD.id OR NEW.seq <= OLD.seq OR NEW.seq <> (SELECT MAX(seq) FROM audit_row) "
        "OR NEW.hash <> (SELECT hash FROM audit_row WHERE seq = NEW.seq) "
        "THEN RAISE EXCEPTION 'audit_head moves only with an append'; END IF; RETURN NEW; END $$"
    )
    yield (
        "CREATE TRIGGER audit_head_moves BEFORE INSERT OR UPDATE OR DELETE ON audit_head "
        "FOR EACH ROW EXECUTE FUNCTION audit_head_moves()"
    )
    table, columns = ORDERED
    yield (
        f"CREATE TRIGGER {table}_written_once BEFORE UPDATE OF {', '.join(columns)} OR DELETE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION written_once()"
    )
    yield from _postgres_counters()
    yield from _postgres_reports()
    yield from _postgres_meetings()


def _postgres_counters() -> Iterator[str]:
    def moved(row: str, sign: str) -> str:
        return "".join(
            f"IF {row}.{key} IS NOT NULL AND {row}.state <> 'returned' THEN "
            f"UPDATE {table} SET committed_units = committed_units {sign} {row}.units WHERE id = {row}.{key}; END IF; "
            for table, key in COUNTED
        )

    yield (
        "CREATE FUNCTION ledger_entry_counts() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF TG_OP <> 'INSERT' THEN {moved('OLD', '-')}END IF; "
        f"IF TG_OP <> 'DELETE' THEN {moved('NEW', '+')}END IF; "
        f"IF TG_OP = 'INSERT' THEN {_stands_after('NEW', 'NEW')}END IF; "
        f"IF TG_OP = 'UPDATE' THEN {_stands_after('OLD', 'NEW')}END IF; RETURN NULL; END $$"
    )
    yield (f"CREATE FUNCTION need_stands() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {STANDS}RETURN NULL; END $$")
    yield "CREATE TRIGGER need_stands_insert AFTER INSERT ON need FOR EACH ROW EXECUTE FUNCTION need_stands()"
    yield (
        "CREATE TRIGGER need_stands_update AFTER UPDATE OF state, gap_units ON need "
        f"FOR EACH ROW WHEN ({CHANGES}) EXECUTE FUNCTION need_stands()"
    )
    yield (
        "CREATE TRIGGER ledger_entry_counts AFTER INSERT OR UPDATE OR DELETE ON ledger_entry "
        "FOR EACH ROW EXECUTE FUNCTION ledger_entry_counts()"
    )


def _postgres_reports() -> Iterator[str]:
    refuse = "RAISE EXCEPTION 'a published report is frozen'"
    yield (
        "CREATE FUNCTION report_frozen() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF OLD.state = 'published' THEN {refuse}; END IF; "
        "IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW; END $$"
    )
    yield "CREATE TRIGGER report_frozen BEFORE UPDATE OR DELETE ON report FOR EACH ROW EXECUTE FUNCTION report_frozen()"
    yield (
        "CREATE FUNCTION report_row_frozen() RETURNS trigger LANGUAGE plpgsql AS $$ DECLARE of_report text; BEGIN "
        "IF TG_OP = 'INSERT' THEN of_report := NEW.report_id; ELSE of_report := OLD.report_id; END IF; "
        f"IF (SELECT state FROM report WHERE id = of_report) = 'published' THEN {refuse}; END IF; "
        "IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW; END $$"
    )
    yield (
        "CREATE TRIGGER report_row_frozen BEFORE INSERT OR UPDATE OR DELETE ON report_row "
        "FOR EACH ROW EXECUTE FUNCTION report_row_frozen()"
    )


def _postgres_meetings() -> Iterator[str]:
    refuse = "RAISE EXCEPTION 'a closed meeting is frozen'"
    ends = "IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW; END $$"
    yield (
        "CREATE FUNCTION meeting_frozen() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF OLD.state = 'closed' THEN {refuse}; END IF; {ends}"
    )
    yield (
        "CREATE TRIGGER meeting_frozen BEFORE UPDATE OR DELETE ON meeting "
        "FOR EACH ROW EXECUTE FUNCTION meeting_frozen()"
    )
    yield (
        "CREATE FUNCTION meeting_row_frozen() RETURNS trigger LANGUAGE plpgsql AS $$ DECLARE of_meeting text; BEGIN "
        "IF TG_OP = 'INSERT' THEN of_meeting := NEW.meeting_id; ELSE of_meeting := OLD.meeting_id; END IF; "
        f"IF (SELECT state FROM meeting WHERE id = of_meeting) = 'closed' THEN {refuse}; END IF; {ends}"
    )
    yield (
        "CREATE TRIGGER meeting_row_frozen BEFORE INSERT OR UPDATE OR DELETE ON meeting_row "
        "FOR EACH ROW EXECUTE FUNCTION meeting_row_frozen()"
    )
