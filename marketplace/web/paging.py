"""Lists in pages: which slice a view asks its service for, and what the pagination macro draws.

A view reads `page_number()`, passes `page.offset` and `page.size` to its service and hands the page to its template.
"""

from dataclasses import dataclass
from urllib.parse import urlencode

from flask import Flask, request

SIZE = 25
EDGE = 1


def install(app: Flask) -> None:
    """Give the pagination macro its addresses."""
    app.jinja_env.globals["with_page"] = with_page


def with_page(number: int) -> str:
    """This list's address at another page; filters stay."""
    kept = [(k, v) for k, v in request.args.items(multi=True) if k != "page"]
    return "?" + urlencode([*kept, ("page", str(number))])


def page_number() -> int:
    """The page asked for in the address; anything odd is the first page."""
    asked = request.args.get("page", "1")
    return max(1, int(asked)) if asked.isascii() and asked.isdigit() and len(asked) < 7 else 1


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list of `total` rows.

    >>> Page(number=3, total=101).numbers
    [1, 2, 3, 4, 5]
    >>> Page(number=6, total=500).numbers
    [1, None, 5, 6, 7, None, 20]
    """

    number: int
    total: int
    size: int = SIZE

    @property
    def offset(self) -> int:
        return (self.number - 1) * self.size

    @property
    def last(self) -> int:
        return max(1, -(-self.total // self.size))

    @property
    def first_row(self) -> int:
        return min(self.total, self.offset + 1)

    @property
    def last_row(self) -> int:
        return min(self.total, self.offset + self.size)

    @property
    def numbers(self) -> list[int | None]:
        """Page numbers to show; None stands for left-out ones (never for a single one)."""
        near = {1, self.last, *range(self.number - EDGE, self.number + EDGE + 1)}
        shown = sorted(n for n in near if 1 <= n <= self.last)
        row: list[int | None] = []
        for number in shown:
            previous = next((n for n in reversed(row) if n is not None), 0)
            if number - previous == 2:
                row.append(number - 1)
            elif number - previous > 2:
                row.append(None)
            row.append(number)
        return row
