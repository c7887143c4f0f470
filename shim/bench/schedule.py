"""Whose turn it is: each round starts every candidate once, each round in another order."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shim.bench.candidates import Candidate
    from shim.bench.runner import Runner, Sample


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """How many rounds, and the seed of their orders."""

    rounds: int
    warmup: int
    seed: int


def measured_rounds(
    runner: Runner, candidates: Sequence[Candidate], plan: Plan
) -> Iterator[dict[str, Sample]]:
    """The samples of each round by candidate's name; the warm-up rounds run first, unseen."""
    order = list(candidates)
    shuffler = random.Random(plan.seed)  # noqa: S311 - an order of turns, not a secret
    for number in range(plan.warmup + plan.rounds):
        shuffler.shuffle(order)
        samples = {candidate.name: runner.run(candidate) for candidate in order}
        if number >= plan.warmup:
            yield samples
