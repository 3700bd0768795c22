"""How samples from several sources become one per type."""

from __future__ import annotations

import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudpits.adapters.pooling import MOST_SAMPLES, pool_samples
from cloudpits.domain.model import RateSample

rates = st.floats(1e-3, 1e6)
samples = st.builds(RateSample, st.sampled_from(["c5.large", "m5.large"]), rates, rates, st.integers(1, 100))


def test_one_source_stays_as_it_is() -> None:
    assert pool_samples([RateSample("c5.large", 2.0, 0.5, 7)]) == (RateSample("c5.large", 2.0, 0.5, 7),)


def test_a_source_that_claims_thousands_counts_for_thirty() -> None:
    (pooled,) = pool_samples([RateSample("c5.large", 1.0, 0.0, 10_000), RateSample("c5.large", 2.0, 0.0, 30)])
    assert (pooled.mean, pooled.samples) == (1.5, 2 * MOST_SAMPLES)


def test_what_is_no_rate_is_left_out() -> None:
    bad = [
        RateSample("c5.large", math.nan, 1.0, 1),
        RateSample("c5.large", 0.0, 1.0, 1),
        RateSample("c5.large", 1.0, math.inf, 1),
        RateSample("c5.large", 1.0, 1.0, 0),
    ]
    assert pool_samples(bad) == ()


@given(st.lists(st.lists(rates, min_size=1, max_size=MOST_SAMPLES), min_size=1, max_size=5))
def test_pooling_groups_equals_looking_at_all_values_at_once(groups: list[list[float]]) -> None:
    summaries = [
        RateSample("c5.large", statistics.fmean(group), statistics.pstdev(group), len(group)) for group in groups
    ]
    together = [value for group in groups for value in group]
    (pooled,) = pool_samples(summaries)
    assert pooled.samples == len(together)
    assert pooled.mean == pytest.approx(statistics.fmean(together))
    assert pooled.stdev == pytest.approx(statistics.pstdev(together), rel=1e-6, abs=1e-6 * max(together))


@given(st.lists(samples, max_size=8))
def test_there_is_one_sample_per_type_within_the_range_of_its_sources(given_samples: list[RateSample]) -> None:
    pooled = pool_samples(given_samples)
    assert [sample.instance_type for sample in pooled] == sorted({sample.instance_type for sample in given_samples})
    for sample in pooled:
        means = [each.mean for each in given_samples if each.instance_type == sample.instance_type]
        assert min(means) * (1 - 1e-9) <= sample.mean <= max(means) * (1 + 1e-9)
