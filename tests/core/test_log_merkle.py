"""The tree and its proofs, against RFC 6962's known answers and against its definition."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consent.log import proof
from consent.log.checkpoint import Checkpoint
from consent.log.merkle import EMPTY_ROOT, Edge, Tree, extend, leaf_hash, load_edge
from consent.log.tiles import Tile, at_size, decode_bundle, path

# certificate-transparency's reference inputs and roots for RFC 6962
LEAVES = [
    bytes.fromhex(leaf)
    for leaf in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
PATH_0_OF_8 = [
    "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
    "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
]
PROOF_6_TO_8 = [
    "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
]


def entries(count: int) -> list[bytes]:
    """Return `count` different entries of 32 bytes."""
    return [sha256(str(number).encode()).digest() for number in range(count)]


def grown(*batches: list[bytes]) -> tuple[Edge, dict[str, bytes]]:
    """Append the batches one after the other; return the edge and every file ever written."""
    edge, files = Edge(), {}
    for batch in batches:
        edge, written = extend(edge, batch)
        assert not files.keys() & written.keys(), "a file was written twice"
        files |= written
    return edge, files


def defined_root(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962 §2.1, word by word."""
    if not leaves:
        return sha256().digest()
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return sha256(b"\x01" + defined_root(leaves[:split]) + defined_root(leaves[split:])).digest()


@pytest.mark.parametrize("size", range(1, 9))
def test_the_roots_are_those_of_rfc_6962(size):
    """The reference inputs give the reference roots, appended one by one or at once."""
    one_by_one, files = grown(*([leaf] for leaf in LEAVES[:size]))
    at_once, _ = grown(LEAVES[:size])
    assert one_by_one.root().hex() == at_once.root().hex() == Tree(size, files.get).root().hex() == ROOTS[size - 1]


def test_the_proofs_are_those_of_rfc_6962():
    """The reference inclusion and consistency paths come out."""
    _, files = grown(LEAVES)
    tree = Tree(8, files.get)
    assert [one.hex() for one in tree.inclusion(0)] == PATH_0_OF_8
    assert [one.hex() for one in tree.consistency(6)] == PROOF_6_TO_8


def test_the_empty_tree_has_the_hash_of_nothing():
    """RFC 6962: MTH({}) = SHA-256()."""
    assert Edge().root() == EMPTY_ROOT == sha256().digest() == Tree(0, {}.get).root()


SIZES = st.lists(st.integers(1, 400), min_size=1, max_size=5)


@settings(max_examples=25)
@given(SIZES)
def test_however_it_is_cut_into_batches_the_log_is_the_same(sizes):
    """Root, last tiles and reloaded edge depend on the entries only."""
    everything = entries(sum(sizes))
    batches = [everything[sum(sizes[:at]) : sum(sizes[: at + 1])] for at in range(len(sizes))]
    edge, files = grown(*batches)
    at_once, fewer = grown(everything)
    assert edge == at_once == load_edge(edge.size, files.get)
    assert edge.root() == defined_root(everything)
    assert all(files[name] == content for name, content in fewer.items())


@settings(max_examples=40)
@given(st.data())
def test_every_entry_has_a_proof_and_no_other_entry_fits_it(data):
    """An inclusion path holds for its entry, index, size and root, and for nothing else."""
    size = data.draw(st.integers(1, 700))
    index = data.draw(st.integers(0, size - 1))
    everything = entries(size)
    edge, files = grown(everything)
    root, way = edge.root(), Tree(size, files.get).inclusion(index)
    hashed = leaf_hash(everything[index])
    assert proof.included(hashed, index, size, way, root)
    assert not proof.included(leaf_hash(b"other"), index, size, way, root)
    assert not proof.included(hashed, (index + 1) % size, size, way, root) or size == 1
    assert not proof.included(hashed, index, size, [*way, root], root)
    assert not proof.included(hashed, size, size, way, root)
    for at in range(len(way)):
        assert not proof.included(hashed, index, size, [*way[:at], sha256(way[at]).digest(), *way[at + 1 :]], root)
        assert not proof.included(hashed, index, size, way[:at] + way[at + 1 :], root)


def test_a_proof_for_a_smaller_tree_does_not_do_for_a_larger_one():
    """A path that ends below the root of the size claimed is refused, though its hash is the root given."""
    edge, files = grown(entries(4))
    way, hashed = Tree(4, files.get).inclusion(0), leaf_hash(entries(1)[0])
    assert proof.included(hashed, 0, 4, way, edge.root())
    assert not proof.included(hashed, 0, 8, way, edge.root())


@settings(max_examples=40)
@given(st.data())
def test_a_tree_that_grew_proves_it_and_one_that_was_rewritten_cannot(data):
    """A consistency path holds between two heads of one log, never from a head of another."""
    new_size = data.draw(st.integers(1, 700))
    old_size = data.draw(st.integers(0, new_size))
    everything = entries(new_size)
    edge, files = grown(everything)
    old = Checkpoint("o", old_size, defined_root(everything[:old_size]))
    new = Checkpoint("o", new_size, edge.root())
    way = Tree(new_size, files.get).consistency(old_size)
    assert proof.consistent(old, new, way)
    if old_size:
        forged = Checkpoint("o", old_size, sha256(old.root).digest())
        assert not proof.consistent(forged, new, way)
        assert not proof.consistent(old, Checkpoint("o", new_size, forged.root), way)
        assert not proof.consistent(old, new, [*way, old.root])
    if way:
        assert not proof.consistent(old, new, way[:-1])


def test_a_tree_of_70000_has_the_tiles_that_the_specification_says():
    """c2sp.org/tlog-tiles's own example: 273 full and one partial (112) at level 0, one and 17 at 1, one at 2."""
    edge, files = grown(entries(70_000))
    tiles = [name for name in files if not name.startswith("tile/entries/")]
    full = [name for name in tiles if ".p/" not in name]
    assert sorted(set(tiles) - set(full)) == ["tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1"]
    assert [sum(name.startswith(f"tile/{level}/") for name in full) for level in range(3)] == [273, 1, 0]
    assert all(len(files[name]) == 256 * 32 for name in full)
    assert len(files["tile/entries/273.p/112"]) == 112 * 34
    assert at_size(1, 1, 70_000) == Tile(1, 1, 17)
    assert edge.root() == Tree(70_000, files.get).root()


def test_a_bundle_holds_the_entries_that_the_tile_beside_it_hashes():
    """Entry k of bundle N hashes to hash k of level 0 tile N."""
    _, files = grown(entries(300))
    for index, width in ((0, 256), (1, 44)):
        bundle = decode_bundle(files[path(Tile(-1, index, width))])
        assert b"".join(map(leaf_hash, bundle)) == files[path(Tile(0, index, width))]
