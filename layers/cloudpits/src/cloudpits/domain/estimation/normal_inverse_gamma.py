"""Normal–Inverse-Gamma posterior of an unknown mean and variance: conjugate, so no sampler is needed.

Update formulas: K. Murphy, "Conjugate Bayesian analysis of the Gaussian distribution" (2007), section 6.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NormalInverseGamma:
    """x ~ N(μ, σ²), μ | σ² ~ N(mean, σ²/weight), σ² ~ InvGamma(shape, scale).

    ``weight`` and 2·``shape`` count the observations that the prior is worth for the mean and the variance.
    """

    mean: float
    weight: float
    shape: float
    scale: float

    def update(self, mean: float, spread: float, count: int) -> NormalInverseGamma:
        """Posterior after ``count`` observations with sample mean ``mean`` and standard deviation ``spread``."""
        if count <= 0:
            return self
        weight = self.weight + count
        squares = (count - 1) * spread * spread
        shift = self.weight * count * (mean - self.mean) ** 2 / weight
        return NormalInverseGamma(
            mean=(self.weight * self.mean + count * mean) / weight,
            weight=weight,
            shape=self.shape + count / 2.0,
            scale=self.scale + (squares + shift) / 2.0,
        )

    @property
    def variance(self) -> float:
        """E[σ²], or its mode when the expectation is infinite (shape ≤ 1)."""
        return self.scale / (self.shape - 1.0) if self.shape > 1.0 else self.scale / (self.shape + 1.0)

    @property
    def spread_of_mean(self) -> float:
        """Standard deviation of what is known about μ."""
        return math.sqrt(self.variance / self.weight)
