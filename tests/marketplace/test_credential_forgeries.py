"""Forged, altered and careless credentials: every named one is refused, every mutant too; a second library agrees."""

from __future__ import annotations

import json
import os
import random
import string
import time
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey

import shanqiao_verify as verifier
from marketplace.config import demo_settings
from marketplace.credentials import tokens
from tests.marketplace import figures
from tests.marketplace.bad_credentials import (
    HOLDER,
    NONCE,
    PLAIN,
    SALT,
    VERIFIER,
    Maker,
    again,
    carrying,
    disclosure,
    named,
)

MAKER = Maker(demo_settings(Path("nowhere"), seed=1))
BAD = {name: (compact, bound) for name, compact, bound in named(MAKER)}
MUTANTS = figures.count(20_000, torture=1_000_000)
ROUND_TRIPS = 750 if os.environ.get("TORTURE") else 60


def test_the_good_ones_are_good() -> None:
    assert MAKER.accepts(MAKER.good())
    assert MAKER.accepts(MAKER.shown(), bound=True)


def test_what_the_bad_ones_are_built_with_is_good_by_itself() -> None:
    """Else they could be refused for another reason than their name says."""
    assert MAKER.accepts(again(MAKER, lambda _payload: None))
    assert MAKER.accepts(carrying(MAKER, [SALT, "name", "x"], [SALT, "household", {"size_band": "1"}]))
    element = disclosure([SALT, {"code": "A"}])
    digests = [element, *(disclosure([SALT, n]) for n in range(7))]
    outer = [SALT, "needs", [{"...": tokens.digest_of(text)} for text in digests]]
    assert MAKER.accepts(carrying(MAKER, outer) + element + "~")


def test_there_are_more_than_two_hundred_bad_ones() -> None:
    assert len(BAD) >= 200


@pytest.mark.threat("T08")
@pytest.mark.threat("T29")
@pytest.mark.parametrize("name", BAD)
def test_a_bad_credential_is_refused(name: str) -> None:
    """T08, T29: refused, and never by a crash."""
    compact, bound = BAD[name]
    assert not MAKER.accepts(compact, bound=bound)


@pytest.mark.threat("T09")
def test_no_mutant_is_accepted() -> None:
    """T09: one to three characters changed, left out, doubled or swapped, anywhere in a good presentation."""
    dice, good = random.Random(20261123 + figures.seed()), MAKER.shown()
    letters = string.ascii_letters + string.digits + "-_.~= \n"
    taken = changed = 0
    for _ in range(MUTANTS):
        mutant = _mutant(good, dice, letters)
        changed += mutant != good
        taken += mutant != good and MAKER.accepts(mutant, bound=True)
    assert taken == 0
    assert changed > MUTANTS * 0.9
    figures.keep(changed, same=MUTANTS - changed)


def _mutant(text: str, dice: random.Random, letters: str) -> str:
    for _ in range(dice.choice((1, 1, 1, 2, 3))):
        at = dice.randrange(len(text))
        match dice.randrange(4):
            case 0:
                text = text[:at] + dice.choice(letters) + text[at + 1 :]
            case 1:
                text = text[:at] + text[at + 1 :]
            case 2:
                text = text[:at] + text[at] + text[at:]
            case _:
                other = dice.randrange(len(text))
                low, high = min(at, other), max(at, other)
                if low != high:
                    text = text[:low] + text[high] + text[low + 1 : high] + text[low] + text[high + 1 :]
    return text


def test_a_second_library_reads_what_we_issue_and_we_read_what_it_presents() -> None:
    """The oracle is for development only: it takes presentations that we refuse."""
    sd_jwt = pytest.importorskip("sd_jwt.verifier")
    from jwcrypto.jwk import JWK
    from sd_jwt.holder import SDJWTHolder

    issuer = JWK.from_json(json.dumps(MAKER.key.as_dict(private=False)))
    holder = JWK.from_json(json.dumps(HOLDER.as_dict(private=True)))
    dice = random.Random(5)
    for _ in range(ROUND_TRIPS):
        claims = _some_claims(dice)
        today = int(time.time()) - 60  # the oracle stamps its own clock
        times = {"iat": today, "nbf": today, "exp": today + 86_400}
        compact = tokens.issue({**MAKER.claims(), **times}, claims, key=MAKER.key)
        read = sd_jwt.SDJWTVerifier(compact, lambda _issuer, _header: issuer).get_verified_payload()
        ours = verifier.check_credential(compact, MAKER.keys, now=today)
        assert _plain({name: read[name] for name in claims}) == _plain(claims) == _plain(dict(ours.disclosed))
        holding = SDJWTHolder(compact)
        holding.create_presentation(True, NONCE, VERIFIER, holder)
        shown = holding.sd_jwt_presentation
        found = verifier.check_credential(shown, MAKER.keys, now=int(time.time()), audience=VERIFIER, nonce=NONCE)
        assert found.bound


def _some_claims(dice: random.Random) -> dict[str, Any]:
    return {name: value for name, value in PLAIN.items() if name == "county" or dice.random() < 0.6}


def _plain(claims: dict[str, Any]) -> dict[str, Any]:
    """Needs in one order: decoys shuffle them."""
    return {name: sorted(map(json.dumps, value)) if name == "needs" else value for name, value in claims.items()}


def test_a_claim_that_must_stay_in_the_open_cannot_be_hidden() -> None:
    for name in sorted(tokens.NEVER_SD):
        with pytest.raises(ValueError, match="never selectively disclosed"):
            tokens.issue(MAKER.claims(), {name: "x"}, key=MAKER.key)


def test_counts_tell_nothing() -> None:
    """One claim or all of them: 24 digests; one need or eight: eight elements."""
    for claims in ({"county": "500103"}, dict(PLAIN)):
        compact = tokens.issue(MAKER.claims(), claims, key=MAKER.key)
        assert len(MAKER.payload(compact)["_sd"]) == 24
    with pytest.raises(ValueError, match="do not fit"):
        tokens.issue(MAKER.claims(), {"needs": [{"code": str(n)} for n in range(9)]}, key=MAKER.key)


def test_a_key_of_one_office_does_not_speak_for_another() -> None:
    compact = tokens.issue({**MAKER.claims(), "iss": "https://evil.example"}, PLAIN, key=ECKey.generate_key("P-256"))
    assert not MAKER.accepts(compact)
