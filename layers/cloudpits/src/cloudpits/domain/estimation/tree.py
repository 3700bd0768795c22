"""Exact Gaussian inference on the tree program → processor → type: measurements up, predictions down.

Each node's value is its parent's plus N(0, τ²). Upward, children are combined into what they say of their
parent; downward, each node hears everything except itself (belief propagation, exact on trees).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Belief:
    """A Gaussian belief."""

    mean: float
    variance: float

    def with_noise(self, variance: float) -> Belief:
        """The belief about a neighbour that differs by N(0, ``variance``)."""
        return Belief(self.mean, self.variance + variance)

    def combine(self, other: Belief) -> Belief:
        """The belief after hearing an independent one about the same value."""
        weight, others = 1.0 / self.variance, 1.0 / other.variance
        total = weight + others
        return Belief((self.mean * weight + other.mean * others) / total, 1.0 / total)


def merge(beliefs: Iterable[Belief]) -> Belief | None:
    """All independent beliefs about one value as one; None when there are none."""
    total = weighted = 0.0
    for belief in beliefs:
        weight = 1.0 / belief.variance
        total += weight
        weighted += belief.mean * weight
    return Belief(weighted / total, 1.0 / total) if total > 0.0 else None


@dataclass(frozen=True, slots=True)
class Leaf:
    """What was measured of one type: its branch (processor) and the belief about the type's value."""

    name: str
    branch: str
    measured: Belief


class Tree:
    """Posterior of root, branches and leaves given the measured leaves.

    ``branch_variance`` (by branch) and ``leaf_variance`` are the τ² below the root and below a branch.
    """

    def __init__(
        self, leaves: Iterable[Leaf], root: Belief, branch_variance: Callable[[str], float], leaf_variance: float
    ) -> None:
        self._root_prior = root
        self._branch_variance = branch_variance
        self._leaf_variance = leaf_variance
        self._leaves = {leaf.name: leaf for leaf in leaves}
        groups: defaultdict[str, list[Leaf]] = defaultdict(list)
        for leaf in self._leaves.values():
            groups[leaf.branch].append(leaf)
        self._groups: Mapping[str, list[Leaf]] = groups
        self._said_of_root = {
            branch: belief.with_noise(branch_variance(branch))
            for branch in groups
            if (belief := self._heard_by_branch(branch)) is not None
        }
        self._root = merge([root, *self._said_of_root.values()]) or root

    def leaf(self, name: str, branch: str) -> Belief:
        """Posterior of a type, measured or not."""
        leaf = self._leaves.get(name)
        above = self._branch_without(branch, name).with_noise(self._leaf_variance)
        return above.combine(leaf.measured) if leaf else above

    @property
    def root(self) -> Belief:
        return self._root

    def _heard_by_branch(self, branch: str, but: str | None = None) -> Belief | None:
        leaves = self._groups.get(branch, ())
        return merge(leaf.measured.with_noise(self._leaf_variance) for leaf in leaves if leaf.name != but)

    def _branch_without(self, branch: str, name: str) -> Belief:
        others = (said for key, said in self._said_of_root.items() if key != branch)
        above = (merge([self._root_prior, *others]) or self._root_prior).with_noise(self._branch_variance(branch))
        heard = self._heard_by_branch(branch, but=name)
        return above.combine(heard) if heard else above
