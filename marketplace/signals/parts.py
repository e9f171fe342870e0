"""The parts of a rule: what its text is read into, as frozen values that nothing runs.

Enters: nothing but the parts themselves. Leaves: the values, and questions about a tree: everything in it, which kinds
of fact it hears, which speak for it, whether silence can meet it. Made by `language`, turned into SQL by `compiling`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Window:
    """How far back a part looks: months or days, or everything."""

    months: int = 0
    days: int = 0


@dataclass(frozen=True, slots=True)
class Value:
    """A number that is known: its own, or a threshold's."""

    value: float


@dataclass(frozen=True, slots=True)
class Attribute:
    """A number of the household, the person or the feed."""

    name: str


@dataclass(frozen=True, slots=True)
class Aggregate:
    """A number made of facts of one kind."""

    name: str
    kind: str
    window: Window


@dataclass(frozen=True, slots=True)
class Sum:
    """Two numbers and the sign between them."""

    sign: str
    left: Number
    right: Number


@dataclass(frozen=True, slots=True)
class Has:
    """There is a fact of this kind; `first`: and none of that person's before, in a time of which the feed told."""

    kind: str
    window: Window
    first: bool = False


@dataclass(frozen=True, slots=True)
class InCategory:
    """The household, or the person, is in one of these; with a window: and was in one of them before it, too."""

    codes: tuple[str, ...]
    window: Window = Window()


@dataclass(frozen=True, slots=True)
class Anyone:
    """Somebody of the household meets a condition that is asked of each person."""

    part: Condition


@dataclass(frozen=True, slots=True)
class IsRural:
    """The household lives in the country."""


@dataclass(frozen=True, slots=True)
class Compare:
    """Two numbers and how they must stand to each other."""

    sign: str
    left: Number
    right: Number


@dataclass(frozen=True, slots=True)
class Every:
    """All of these."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Some:
    """At least one of these."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The contrary."""

    part: Condition


Number: TypeAlias = Value | Attribute | Aggregate | Sum
Condition: TypeAlias = Has | InCategory | Anyone | IsRural | Compare | Every | Some | Not


def parts_of(tree: Condition | Number, /) -> Sequence[Condition | Number]:
    """The tree and everything in it."""
    below: list[Condition | Number] = []
    if isinstance(tree, Every | Some):
        below = list(tree.parts)
    elif isinstance(tree, Not | Anyone):
        below = [tree.part]
    elif isinstance(tree, Compare | Sum):
        below = [tree.left, tree.right]
    return [tree, *(part for one in below for part in parts_of(one))]


def kinds_of(tree: Condition | Number, /) -> tuple[str, ...]:
    """Every kind of fact in the tree, those under a `not` too."""
    return tuple(dict.fromkeys(part.kind for part in parts_of(tree) if isinstance(part, Has | Aggregate)))


def evidence_kinds(tree: Condition | Number, /) -> tuple[str, ...]:
    """The kinds of fact whose presence speaks for the rule: those under a `not` speak against it."""
    if isinstance(tree, Not):
        return ()
    if isinstance(tree, Has | Aggregate):
        return (tree.kind,)
    if isinstance(tree, Anyone):
        return evidence_kinds(tree.part)
    if isinstance(tree, Every | Some):
        below: Sequence[Condition | Number] = tree.parts
    elif isinstance(tree, Compare | Sum):
        below = (tree.left, tree.right)
    else:
        below = ()
    return tuple(dict.fromkeys(kind for part in below for kind in evidence_kinds(part)))


def hears_silence(tree: Condition, /) -> bool:
    """Whether a delivery that says nothing of a household can make it meet the rule: then a look at those of whom
    something new was said is not enough. All else that time alone can change is found by the night's look at everybody.
    """
    return any(isinstance(part, Aggregate) and part.name == "silent" for part in parts_of(tree))
