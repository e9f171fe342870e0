"""The worked example for partners: post a resource, read consented needs, accept, look, take papers, record
deliveries, report aid.

Run it against a running house with the number of your machine and the file of its private key (JWK):
``python scripts/partner_example.py https://aid.example CLIENT key.json GOODS [ID NUMBER]``. It prints what it did, and
no personal value. `make demo` prints this command with a machine of its own.
"""

import json
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from joserfc.jwk import ECKey

from adapters.partner_client import PartnerClient, Refused

SCOPE = "offers:write needs:read matches:read matches:act status:read credentials:read receipts:read aid:report"


def post_resource(api: PartnerClient, reference: str) -> None:
    """A hundred food packs for the whole city; posting it twice under one key changes nothing."""
    offer = {
        "reference": reference,
        "title": "Winter food packs",
        "category": "LIVING.FOOD_PACK",
        "stock_units": 100,
        "max_per_need": 12,
        "valid_to": (date.today() + timedelta(days=150)).isoformat(),  # noqa: DTZ011  a partner's own calendar
        "standard": "1 to 12 packs for each household",
        "steps": "The street office calls; collected or brought",
        "rules": "Free of charge",
    }
    told = api.post_offer(offer, key=reference)
    assert api.post_offer(offer, key=reference) == told
    print(f"posted {told['reference']}: {told['state']}")


def accept_all(api: PartnerClient, purpose: str) -> int:
    """Take on what waits for an answer."""
    waiting = [need for need in api.needs(purpose) if need["state"] == "awaiting_giver"]
    for need in waiting:
        told = api.accept(need["id"], purpose=purpose)
        print(f"accepted {need['units']} {need['unit']} of {need['category']}: {told['state']}")
    return len(waiting)


def deliver_all(api: PartnerClient, purpose: str) -> int:
    """Look at the consented fields of what is on its way, and record each delivery with its first result."""
    done = 0
    for need in [need for need in api.needs(purpose) if need["state"] == "in_delivery"]:
        try:
            known = api.recipient(need["id"], purpose=purpose)
        except Refused as no:
            print(f"not shown: {no.code}")
            continue
        print(f"opened {sorted(known)} for one delivery")
        take_papers(api, need, purpose)
        print(f"delivered: {api.deliver(need['id'], purpose=purpose)['state']}")
        print(f"reported: {api.report(need['id'], purpose=purpose, outcome='too_early')['result']}")
        done += 1
    return done


def take_papers(api: PartnerClient, need: dict[str, Any], purpose: str) -> None:
    """For the books: a signed credential of the need, and the signed receipts of the household's consent."""
    try:
        credential = api.credential(need["id"], purpose=purpose)
        receipts = api.receipts(need["consent"]["id"], purpose=purpose)
    except Refused as no:
        print(f"no papers: {no.code}")
        return
    print(f"a credential of {len(credential)} characters, {len(receipts)} receipts")


def report_elsewhere(api: PartnerClient, reference: str, id_number: str) -> None:
    """Tell of a piece of aid that was given outside the platform; nobody says whether the person is known there."""
    aid = {
        "reference": reference,
        "id_number": id_number,
        "category": "LIVING.FOOD_PACK",
        "units": 1,
        "given_on": date.today().isoformat(),  # noqa: DTZ011  a partner's own calendar
    }
    told = api.report_aid([aid], key=f"aid-{reference}")
    print(f"reported {told['taken']} piece of aid, {len(told['faults'])} with faults")


def main(address: str, client_id: str, key_file: str, purpose: str) -> None:
    """All steps."""
    key = ECKey.import_key(json.loads(Path(key_file).read_text(encoding="utf-8")))
    api = PartnerClient(address, client_id, key, SCOPE)
    post_resource(api, f"example-{client_id[:8]}")
    if len(sys.argv) > 5:
        report_elsewhere(api, f"example-{client_id[:8]}", sys.argv[5])
    print(f"{accept_all(api, purpose)} accepted, {deliver_all(api, purpose)} delivered")


if __name__ == "__main__":
    main(*sys.argv[1:5])
