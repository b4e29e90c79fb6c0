"""How well the ties that rows tell agree with reporting lines that the ties were not shown."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from bg_assets.domain.groups.ties import Ties
from bg_assets_tests.organograms import Post


@dataclass(frozen=True, slots=True)
class Row:
    """A person as the ties read one."""

    person_id: str
    title: str | None = None
    department: str | None = None
    location: str | None = None
    manager_id: str | None = None


def agreement(posts: Sequence[Post]) -> float | None:
    """Rank correlation over all pairs of a body: chance of a tie against closeness in the lines.

    Pairs that no line connects are left out. None where there is no pair, or none differs.
    """
    ties = Ties(Row(post.id, post.title, post.department) for post in posts)
    steps = _steps({post.id: post.manager_id for post in posts})
    pairs = [
        (ties.between(ties.place(a), ties.place(b)), -float(far))
        for a, others in steps.items()
        for b, far in others.items()
        if a < b
    ]
    return rank_correlation([a for a, _ in pairs], [b for _, b in pairs]) if pairs else None


def _steps(manager: Mapping[str, str]) -> dict[str, dict[str, int]]:
    """How many reporting lines lie between two people, where any do."""
    beside: dict[str, set[str]] = {one: set() for one in manager}
    for one, above in manager.items():
        if above in beside:
            beside[one].add(above)
            beside[above].add(one)
    found = {}
    for one in manager:
        far, queue = {one: 0}, deque([one])
        while queue:
            here = queue.popleft()
            for other in beside[here] - far.keys():
                far[other] = far[here] + 1
                queue.append(other)
        found[one] = far
    return found


def rank_correlation(a: Sequence[float], b: Sequence[float]) -> float | None:
    """Spearman's; None where all values of one are alike."""
    x, y = _ranks(a), _ranks(b)
    mean_x, mean_y = fmean(x), fmean(y)
    spread = (sum((p - mean_x) ** 2 for p in x) * sum((q - mean_y) ** 2 for q in y)) ** 0.5
    together = sum((p - mean_x) * (q - mean_y) for p, q in zip(x, y, strict=True))
    return together / spread if spread else None


def _ranks(values: Sequence[float]) -> list[float]:
    """Each value's place in order; equal ones share the mean of their places."""
    ordered = sorted(values)
    middle: dict[float, float] = {}
    start = 0
    for at in range(1, len(ordered) + 1):
        if at == len(ordered) or ordered[at] != ordered[start]:
            middle[ordered[start]] = (start + at - 1) / 2
            start = at
    return [middle[value] for value in values]
