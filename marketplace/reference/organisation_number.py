"""Unified social credit codes of organisations: check, and make synthetic ones.

What enters: text from a form or a file, or a seed. What leaves: the compact code, or `BadOrganisationNumber`
with one code word. Called by organisations, imports and the demo. python-stdnum knows the alphabet and the
check character; a synthetic code names the place 509900, which is assigned to nobody.
"""

import random

from stdnum.cn import uscc
from stdnum.exceptions import InvalidChecksum, InvalidLength, ValidationError

SYNTHETIC_PLACE = "509900"
_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


class BadOrganisationNumber(ValueError):
    """A code that cannot be right; `code` is length, characters or check_digit."""

    def __init__(self, code: str) -> None:
        super().__init__(f"organisation number refused: {code}")
        self.code = code


def check_uscc(text: str) -> str:
    """The code without spaces or hyphens in capitals, or BadOrganisationNumber."""
    try:
        return str(uscc.validate(text))
    except InvalidLength as error:
        raise BadOrganisationNumber("length") from error
    except InvalidChecksum as error:
        raise BadOrganisationNumber("check_digit") from error
    except ValidationError as error:
        raise BadOrganisationNumber("characters") from error


def make_uscc(seed: int, *, kind: str = "53") -> str:
    """A valid code that no organisation has.

    `kind` is two digits: 51 association, 52 private non-enterprise, 53 foundation, 91 company.
    """
    pick = random.Random(f"uscc:{seed}")
    first = kind + SYNTHETIC_PLACE + "".join(pick.choices(_ALPHABET, k=9))
    return first + str(uscc.calc_check_digit(first))
