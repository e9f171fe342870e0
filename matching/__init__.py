"""The allocator: ids and whole numbers in; a plan, reasons and a certificate out.

Callers use the names below; each is loaded on first use, so that `matching.checker` works with OR-Tools uninstalled.
`python -m matching` offers the same on a problem folder.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matching.model import Need, PastAid, Policy, Problem, Resource
    from matching.plan import Certificate, Line, Plan, Reason
    from matching.solve import Progress, allocate

__all__ = [
    "Certificate",
    "Line",
    "Need",
    "PastAid",
    "Plan",
    "Policy",
    "Problem",
    "Progress",
    "Reason",
    "Resource",
    "allocate",
]

_HOME: dict[str, str] = {
    **dict.fromkeys(("Certificate", "Line", "Plan", "Reason"), "matching.plan"),
    **dict.fromkeys(("Progress", "allocate"), "matching.solve"),
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'matching' has no attribute {name!r}")
    return getattr(import_module(_HOME.get(name, "matching.model")), name)
