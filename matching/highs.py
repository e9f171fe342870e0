"""A HiGHS that says nothing on standard output and always answers alike: one thread, a fixed seed, no gap left open.

What enters: further options by name. What leaves: an empty solver. Called by all who ask HiGHS.
"""

from __future__ import annotations

import highspy


class _Silent(highspy.Highs):
    """HiGHS greets on standard output when callbacks are enabled, which its constructor does."""

    def enableCallbacks(self) -> None:
        """Be silent first."""
        self.silent()
        super().enableCallbacks()  # type: ignore[no-untyped-call]


def solver(**options: float | str | bool) -> highspy.Highs:
    """An empty solver with these options.

    Raises
    ------
    ValueError
        If HiGHS knows no such option.
    """
    made = _Silent()  # type: ignore[no-untyped-call]
    usual: dict[str, float | str | bool] = {"output_flag": False, "threads": 1, "random_seed": 7, "mip_rel_gap": 0.0}
    for name, value in (usual | options).items():
        if made.setOptionValue(name, value) == highspy.HighsStatus.kError:
            raise ValueError(f"HiGHS has no option {name} that could be {value!r}")
    return made
