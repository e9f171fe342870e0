"""What a consent may be for and the most it may ever ask: purposes, ceilings, fields and their classes.

What enters: a purpose or field code. What leaves: frozen values. Called by consent (which refuses a field
above the ceiling), by sharing, by the reveal use case and by the pages that show what each field gives away.
Classes: L1 shared vocabulary, L2 linkable, L3 personal, L4 sensitive; L3 and L4 are sealed, L4 needs its own
tick.
"""

from dataclasses import dataclass
from functools import cache

from marketplace.reference.tables import UnknownCode, codes, rows

LONGEST_DAYS = 365
"""No consent is valid longer than this."""

USUAL_DAYS = 183
"""How long a consent is valid unless the household chooses less or more."""

ERASE_WITHIN_DAYS = 30
"""A recipient erases what it may store at most this long after the consent ends."""

MODIFIERS = ("no_onward_transfer", "no_marketing", "no_profiling", "no_publicity")
"""Bound to every consent, whatever its purpose."""

INSURER_MODIFIERS = ("no_underwriting",)
"""Bound on top to every consent whose recipient is an insurer: nothing may serve to price or accept insurance."""

INSURER_PURPOSES = ("INSURE_ENROL", "INSURE_CLAIM", "INSURE_CLAIM_QUERY")
"""All that an insurer may ever be given data for. There is none for underwriting, and a test keeps it so."""


@dataclass(frozen=True, slots=True)
class FieldKind:
    """One field a consent can name; the impact text says what giving it means (empty below L3)."""

    code: str
    zh: str
    en: str
    level: str
    base_card: bool
    impact_zh: str
    impact_en: str

    @property
    def is_sealed(self) -> bool:
        """Whether the value is stored encrypted."""
        return self.level in ("L3", "L4")

    @property
    def needs_own_tick(self) -> bool:
        """Whether the person must tick this very field."""
        return self.level == "L4"


@dataclass(frozen=True, slots=True)
class Purpose:
    """One purpose; `fields` is its ceiling beyond the base card, `mode` the widest way of seeing them."""

    code: str
    zh: str
    en: str
    fields: tuple[str, ...]
    mode: str

    def allows(self, field_code: str) -> bool:
        """Whether a consent for this purpose may name the field."""
        return field_code in self.fields or field_kind(field_code).base_card


@cache
def _fields() -> dict[str, FieldKind]:
    return {
        row["code"]: FieldKind(
            code=row["code"],
            zh=row["zh"],
            en=row["en"],
            level=row["level"],
            base_card=row["base_card"] == "1",
            impact_zh=row["impact_zh"],
            impact_en=row["impact_en"],
        )
        for row in rows("fields")
    }


@cache
def _purposes() -> dict[str, Purpose]:
    return {
        row["code"]: Purpose(row["code"], row["zh"], row["en"], codes(row["fields"]), row["mode"])
        for row in rows("purposes")
    }


def list_field_codes() -> tuple[str, ...]:
    """Every field that a consent may name."""
    return tuple(_fields())


def field_kind(code: str) -> FieldKind:
    """The field with this code, or UnknownCode."""
    found = _fields().get(code)
    if found is None:
        raise UnknownCode("field", code)
    return found


def purpose(code: str) -> Purpose:
    """The purpose with this code, or UnknownCode."""
    found = _purposes().get(code)
    if found is None:
        raise UnknownCode("purpose", code)
    return found


def list_purposes() -> tuple[Purpose, ...]:
    """All purposes in the order of the table."""
    return tuple(_purposes().values())


def base_card() -> tuple[str, ...]:
    """The fields that `AUTO_MATCH` lets be matched: nothing that says who somebody is."""
    return tuple(code for code, kind in _fields().items() if kind.base_card)
