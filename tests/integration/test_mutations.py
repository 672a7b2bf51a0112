"""Damaged inputs of every source end with an answer (mutate.py). A few of each here; with --all some thousands."""

import random

import pytest

from mutate import MAKERS, damage, mutate


@pytest.mark.parametrize("kind", MAKERS)
def test_damaged_inputs_end_with_an_answer(kind):
    assert mutate(kind, range(25)) == []


@pytest.mark.long
@pytest.mark.parametrize("kind", MAKERS)
def test_many_damaged_inputs(kind, corpus):
    assert mutate(kind, range(1000, 3000), corpus=corpus) == []


def test_the_same_seed_does_the_same_damage(tmp_path):
    seen = []
    for name in ("a", "b"):
        folder = tmp_path / name
        folder.mkdir()
        MAKERS["csv"](folder)
        said = [damage(random.Random(seed), "csv", folder) for seed in range(5)]
        seen.append((said, {p.name: p.read_bytes() for p in folder.rglob("*") if p.is_file() and not p.is_symlink()}))
    assert seen[0] == seen[1]
