"""The statistics of the comparison: medians of per-round ratios, and how sure of them one may be.

The interval of a median is that of binomial order statistics: whatever the distribution, the median of the population lies
between the k-th smallest and the k-th greatest of n independent values with the probability that a fair coin shows between k
and n - k heads. No normal distribution is assumed and nothing is drawn, so the same rounds always give the same interval.
"""
import dataclasses
import math
import statistics

CONFIDENCE = 0.90
UNSTEADY = 1.5  # a round in which the floor was so many times above or below its median is dropped


@dataclasses.dataclass(frozen=True)
class Estimate:
    """A median with the interval that holds it with CONFIDENCE; without (both None) where there are too few values."""
    median: float
    low: float | None
    high: float | None
    count: int


def interval(values, confidence=CONFIDENCE):
    """The narrowest (k-th smallest, k-th greatest) that holds the median with `confidence`; None below 5 values of 90 %."""
    ordered = sorted(values)
    tail, found = 0.0, None
    for k in range(len(ordered) // 2):
        tail += math.comb(len(ordered), k) / 2 ** len(ordered)
        if 2 * tail > 1 - confidence:
            break
        found = (ordered[k], ordered[-1 - k])
    return found


def estimate(values):
    """Raises statistics.StatisticsError when there are no values."""
    found = interval(values)
    low, high = found if found else (None, None)
    return Estimate(statistics.median(values), low, high, len(values))


def steady(floor):
    """The rounds (keys) in which the floor stayed within a factor of UNSTEADY of its median. `floor`: figure by round."""
    if not floor:
        return set()
    median = statistics.median(floor.values())
    return {key for key, value in floor.items() if median / UNSTEADY <= value <= median * UNSTEADY}


def per_round(ours, theirs, rounds):
    """ours / theirs of each of the rounds that has both."""
    return [ours[key] / theirs[key] for key in sorted(rounds) if key in ours and theirs.get(key)]


def reaches(found, target, at_most=True):
    """Whether the interval reaches the target. None where there are too few rounds for an interval."""
    if found.low is None:
        return None
    return found.low <= target if at_most else found.high >= target
