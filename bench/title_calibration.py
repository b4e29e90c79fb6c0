"""Whether titles that are read with 80 % are right in 80 %: measured on titles not fitted on."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator

from bench.title_labels import Labelled, half, labelled
from bg_assets.domain.titles import calibration
from bg_assets.domain.titles.function import Basis
from bg_assets.domain.titles.verdict import bases, classify


def calibrated(say: Callable[[str], object], *, fit: bool) -> None:
    """The reliability of function and level; with fit the shares that were measured for it."""
    cases = list(judged())
    say("calibration: distinct labelled titles (O*NET; organograms with their unit; business:")
    say("  hand-made ones and bench/fresh_titles.csv) are split in two by SHA-256 of the title,")
    say("  organograms by that of the body. The shares in domain/calibration.py come from one half")
    say("  (--fit shows it); what follows is the other half, which they have not seen.")
    for field, shares in (("function", calibration.FUNCTION), ("level", calibration.LEVEL)):
        by_rule: dict[str, dict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
        for case, found, right in cases:
            if case.field == field and half(case.key) == 0:
                by_rule[found.rule][case.source].append(right)
        in_use = {**shares, "agrees": calibration.AGREES, "contradicts": calibration.CONTRADICTS}
        for rule in in_use if field == "function" else shares:
            if fit:
                told = ", ".join(
                    f"{source} {sum(rights) / len(rights):.3f} of {len(rights)}"
                    for source, rights in sorted(by_rule[rule].items())
                )
                say(f"fit {field:9} {rule:12} in use {in_use[rule]:.2f}: {told}")
        held = [(c, f, r) for c, f, r in cases if c.field == field and half(c.key) == 1]
        say(f"calibration of {field}: {len(held)} held-out titles")
        reliability([(f.share, r) for _, f, r in held], say)
        for source in sorted({c.source for c, _, _ in held}):
            of_source = [(f.share, r) for c, f, r in held if c.source == source]
            said = sum(told for told, _ in of_source) / len(of_source)
            share = sum(ok for _, ok in of_source) / len(of_source)
            say(f"  of these {source}: {len(of_source)}, said {said:.3f}, right {share:.3f}")
        _by_rule(held, say)


def judged() -> Iterator[tuple[Labelled, Basis, bool]]:
    """Each labelled title that is answered: what that rests on, and whether it is right."""
    for case in dict.fromkeys(labelled()):
        verdict = classify(case.title, case.department)
        of_function, of_level = bases(case.title, case.department)
        found = of_function if case.field == "function" else of_level
        value = verdict.function if case.field == "function" else verdict.level
        if found is not None:
            yield case, found, value in case.accepted


def reliability(held: Iterable[tuple[float, bool]], say: Callable[[str], object]) -> None:
    """The curve in ten bins and the expected calibration error."""
    bins: dict[int, list[tuple[float, bool]]] = defaultdict(list)
    for share, right in held:
        bins[min(9, int(share * 10))].append((share, right))
    everything = sum(map(len, bins.values()))
    error = 0.0
    for at, told in sorted(bins.items()):
        said = sum(s for s, _ in told) / len(told)
        true = sum(r for _, r in told) / len(told)
        error += abs(said - true) * len(told) / everything
        low = at / 10
        say(f"  {low:.1f} to {low + 0.1:.1f}: said {said:.3f}, right {true:.3f}, {len(told)}")
    say(f"  expected calibration error {error:.4f}")


def _by_rule(held: Iterable[tuple[Labelled, Basis, bool]], say: Callable[[str], object]) -> None:
    """Each kind of rule on its own, so that a large one hides no small one."""
    said: dict[str, float] = defaultdict(float)
    right: Counter[str] = Counter()
    there: Counter[str] = Counter()
    for _, found, true in held:
        there[found.rule] += 1
        said[found.rule] += found.share
        right[found.rule] += true
    say(
        "  by rule: "
        + ", ".join(
            f"{rule} said {said[rule] / n:.2f} right {right[rule] / n:.2f} of {n}"
            for rule, n in there.most_common()
        )
    )
