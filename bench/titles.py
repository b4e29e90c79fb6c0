"""What the reading of titles is worth on the shared data: `python -m bench titles [--fit]`."""

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

import bench
from bench.title_calibration import calibrated
from bench.title_concepts import languages
from bench.title_labels import FUNCTIONS_OF, LEVELS_OF, accepted, rows
from bench.title_tables import grades, onet, professions
from bg_assets.domain.titles.verdict import classify, hear_tail
from bg_assets.domain.titles.weighing import read


def adversarial(say: Callable[[str], object]) -> None:
    """Hand-made trap titles: wrong answers and the share that is answered."""
    silent = answered = answerable = foreign = 0
    for title, gold, value, words in _trapped():
        if gold == "?non-english":
            foreign += value is not None
            if value is not None:
                say(f"  foreign: {title!r} read as {value}")
        elif gold.startswith("?"):
            silent += value is not None
        else:
            answerable += 1
            answered += value is not None
            silent += value is not None and value not in accepted(gold, words, title)
    say(f"adversarial: silent errors {silent}, coverage {answered}/{answerable}")
    say(f"  foreign fields answered rather than abstained from (read them): {foreign}")


def _trapped() -> Iterator[tuple[str, str, str | None, Mapping[str, tuple[str, ...]]]]:
    """Trap titles field by field: the title, the gold, what is answered, our words for the gold."""
    for row in rows("adversarial_titles.csv"):
        verdict = classify(row["title"])
        yield row["title"], row["function"], verdict.function, FUNCTIONS_OF
        yield row["title"], row["seniority"], verdict.level, LEVELS_OF


def noise(say: Callable[[str], object]) -> None:
    """Noisy variants of titles against the verdict on the clean title."""
    read = same = right = fields = 0
    for row in rows("generated_noise_titles.csv.gz"):
        noisy, clean = classify(row["title"]), classify(row["canonical"])
        read += 1
        equal = (noisy.function, noisy.level) == (clean.function, clean.level)
        same += equal
        if not equal:
            say(f"  differs: {row['title']!r} from {row['canonical']!r}")
        for gold, value, words in (
            (row["function"], noisy.function, FUNCTIONS_OF),
            (row["seniority"], noisy.level, LEVELS_OF),
        ):
            fields += 1
            right += value in accepted(gold, words, row["canonical"])
    say(f"noise: equal to the clean title {same}/{read} = {same / read:.4f}")
    say(f"  right fields {right}/{fields} = {right / fields:.4f}")


def speed(say: Callable[[str], object], total: int = 1_000_000, distinct: int = 50_000) -> None:
    """Rows of which one in twenty is distinct, in this process."""
    base = list(dict.fromkeys(r["title"] for r in rows("onet_alternate_titles.csv.gz")))
    titles = [base[i % len(base)] + ("" if i < len(base) else f" {i}") for i in range(distinct)]
    for heard in (True, False):
        hear_tail(heard)
        _timed(say, titles, total, "with the tail" if heard else "without the tail")
    hear_tail(True)


def _timed(say: Callable[[str], object], titles: Sequence[str], total: int, how: str) -> None:
    distinct = len(titles)
    # The lexicon and what was learned are read, and nothing of the titles is known.
    classify("Ceosan")
    for known in (classify, read):
        known.cache_clear()
    began, busy = time.perf_counter(), time.process_time()
    for at in range(total):
        classify(titles[at % distinct])
    took, busy = time.perf_counter() - began, time.process_time() - busy
    again = time.process_time()
    for at in range(total):
        classify(titles[at % distinct])
    again = time.process_time() - again
    say(
        f"speed {how}: {total} rows, {distinct} distinct: {took:.1f} s, "
        f"{total / took:,.0f} rows/s, "
        f"{took / distinct * 1e6:.0f} microseconds per distinct title; "
        f"of the processor {busy:.1f} s, {busy / distinct * 1e6:.0f} microseconds; "
        f"a row whose title came before: {again / total * 1e6:.2f} microseconds"
    )


def run(say: Callable[[str], object], *, fit: bool = False) -> None:
    """All tables, line by line to say."""
    adversarial(say)
    noise(say)
    grades(say)
    professions(say)
    onet(say)
    languages(say)
    calibrated(say, fit=fit)
    speed(say)


def main(arguments: Sequence[str]) -> None:
    """Print all tables; with ``--fit`` those of the calibration too that it was fitted by."""
    bench.shared_data()
    run(lambda line: sys.stdout.write(f"{line}\n"), fit="--fit" in arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
