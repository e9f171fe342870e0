"""The tree: the vectors of others, every proof of small trees, and the two pieces of arithmetic that must agree."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

import shanqiao_verify as verifier
from marketplace.audit import FIELDS, row_hash
from marketplace.trail import tree

VECTORS: dict[str, list[dict[str, Any]]] = json.loads(
    (Path(__file__).parent / "vectors" / "rfc6962.json").read_text(encoding="utf-8")
)
LEAVES = [tree.leaf_hash(bytes([n])) for n in range(65)]


def _bytes(value: str | None) -> bytes:
    return base64.b64decode(value or "")


def _steps(vector: dict[str, Any]) -> list[bytes]:
    return [_bytes(step) for step in vector["proof"] or ()]


def test_the_vectors_of_others_are_all_here() -> None:
    assert len(VECTORS["inclusion"]) + len(VECTORS["consistency"]) == 196


@pytest.mark.parametrize("vector", VECTORS["inclusion"], ids=lambda vector: vector["file"])
def test_inclusion_as_others_see_it(vector: dict[str, Any]) -> None:
    def check() -> None:
        verifier.check_inclusion(
            _bytes(vector["leafHash"]),
            index=vector["leafIdx"],
            size=vector["treeSize"],
            proof=_steps(vector),
            root=_bytes(vector["root"]),
        )

    if vector["wantErr"]:
        with pytest.raises(verifier.Refused):
            check()
    else:
        check()


@pytest.mark.parametrize("vector", VECTORS["consistency"], ids=lambda vector: vector["file"])
def test_consistency_as_others_see_it(vector: dict[str, Any]) -> None:
    def check() -> None:
        verifier.check_consistency(
            vector["size1"],
            vector["size2"],
            proof=_steps(vector),
            old_root=_bytes(vector["root1"]),
            new_root=_bytes(vector["root2"]),
        )

    if vector["wantErr"]:
        with pytest.raises(verifier.Refused):
            check()
    else:
        check()


def test_every_proof_of_every_small_tree_holds_and_no_other() -> None:
    below = tree.subtrees(LEAVES)
    for size in range(1, len(LEAVES) + 1):
        root = tree.root(size, below)
        for index in range(size):
            proof = tree.inclusion(index, size, below)
            verifier.check_inclusion(LEAVES[index], index=index, size=size, proof=proof, root=root)
            for wrong in ({"index": (index + 1) % size or size}, {"proof": [*proof, root]}, {"root": LEAVES[0][::-1]}):
                asked: dict[str, Any] = {"index": index, "size": size, "proof": proof, "root": root, **wrong}
                with pytest.raises(verifier.Refused):
                    verifier.check_inclusion(LEAVES[index], **asked)


def test_every_growth_of_every_small_tree_holds_and_no_rewriting() -> None:
    below, forged = tree.subtrees(LEAVES), tree.subtrees([LEAVES[1], *LEAVES[1:]])
    for new in range(1, len(LEAVES) + 1):
        assert tree.consistency(0, new, below) == []
        for old in range(1, new + 1):
            roots = {"old_root": tree.root(old, below), "new_root": tree.root(new, below)}
            proof = tree.consistency(old, new, below)
            verifier.check_consistency(old, new, proof=proof, **roots)
            with pytest.raises(verifier.Refused):
                verifier.check_consistency(
                    old,
                    new,
                    proof=tree.consistency(old, new, forged),
                    old_root=roots["old_root"],
                    new_root=tree.root(new, forged),
                )


def test_a_tree_that_grows_has_the_root_of_one_that_was_built() -> None:
    growing = verifier.Growing()
    for size, leaf in enumerate(LEAVES):
        assert growing.root() == tree.root(size, tree.subtrees(LEAVES))
        growing.append(leaf)


def test_the_house_and_the_verifier_hash_alike() -> None:
    row = {name: f"{name} 善桥" for name in FIELDS} | {"seq": 7}
    assert tuple(verifier.ROW) == FIELDS
    assert verifier.row_hash([row[name] for name in FIELDS]) == row_hash(row)
    assert verifier.leaf_hash(b"x") == tree.leaf_hash(b"x")
    assert verifier.node_hash(b"x", b"y") == tree.node_hash(b"x", b"y")


def test_proofs_of_what_is_not_there_are_refused() -> None:
    below = tree.subtrees(LEAVES)
    with pytest.raises(ValueError, match="does not stand"):
        tree.inclusion(5, 5, below)
    with pytest.raises(ValueError, match="does not grow"):
        tree.consistency(6, 5, below)
