"""The hashes of all pairs at once are the published hash of each pair."""

from __future__ import annotations

import numpy as np

from matching.compiled import compile_problem
from matching.components import split
from matching.flow import HASH_TIERS, _hashes, tie_hash
from matching.generate import generate
from matching.limits import shared_limits
from matching.network import build


def test_the_hashes_of_all_pairs_are_the_published_hash_of_each_in_every_window():
    compiled = compile_problem(generate(60, 12, one_component=True, seed=2))
    limits = shared_limits(compiled)
    part = split(compiled, limits)[0]
    network = build(compiled, limits, pairs=part.pairs, groups=part.groups)
    salt = compiled.problem.policy.salt
    for window in range(HASH_TIERS):
        found = _hashes(compiled, network, np.arange(len(network.tail)), part=window)
        for arc, pair in enumerate(network.pair.tolist()):
            need = compiled.need_ids[compiled.pair_need[pair]]
            resource = compiled.resource_ids[compiled.pair_resource[pair]]
            told = tie_hash(salt, need_id=need, resource_id=resource, part=window)
            assert found[arc] == (told if pair >= 0 else 0)
