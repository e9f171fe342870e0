"""Letters: a folder of three texts under `templates/messages` becomes a text message, a subject and a body.

Enters: the letter's name, the language, and values for its few blanks (`link`, `by`, `code`). Leaves: plain texts that
name no kind of help, no amount and no person, because telephones are read over shoulders. Called by whoever sends
the outbox; needs no request.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from gettext import translation
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from marketplace.web import catalogues
from marketplace.web.formats import day_in

ROOT = Path(__file__).parents[2] / "templates" / "messages"

NO_PAGE = "\0"
"""In the place of a link that there is not: on paper the line that points to a page is left out."""


@dataclass(frozen=True, slots=True)
class Letter:
    """The same news for three channels."""

    sms: str
    subject: str
    body: str


def names() -> list[str]:
    """Every letter there is."""
    return sorted(path.name for path in ROOT.iterdir() if path.is_dir())


def render(letter: str, *, language: str, link: str, words: Path, params: Mapping[str, str] | None = None) -> Letter:
    """Fill one letter in; `words` is the instance's folder of compiled catalogues.

    Only `by` (an ISO day), `code` and `who` (one of us who introduces herself) are taken from `params`: nothing else
    can slip into a letter.
    """
    given = params or {}
    by = day_in(date.fromisoformat(given["by"]), language=language) if "by" in given else ""
    values = {"link": link or NO_PAGE, "by": by, "code": given.get("code", ""), "who": given.get("who", "")}
    environment = _environment(language, words)
    sms, subject, body = (
        environment.get_template(f"{letter}/{part}.txt").render(values) for part in ("sms", "subject", "body")
    )
    kept = "\n".join(line for line in body.splitlines() if NO_PAGE not in line)
    return Letter(" ".join(sms.replace(NO_PAGE, "").split()), subject=subject.strip(), body=kept.strip() + "\n")


@lru_cache(maxsize=8)
def _environment(language: str, words: Path) -> Environment:
    """One environment per language, as the files were at its first letter; plain text, so nothing is escaped."""
    environment = Environment(
        loader=FileSystemLoader(ROOT),
        extensions=["jinja2.ext.i18n"],
        undefined=StrictUndefined,
        autoescape=False,
        trim_blocks=True,
        auto_reload=False,
    )
    spoken = translation("messages", catalogues.compiled(words), [language], fallback=True)
    environment.install_gettext_translations(spoken, newstyle=True)  # type: ignore[attr-defined]
    return environment
