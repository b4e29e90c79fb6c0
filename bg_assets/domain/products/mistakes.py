"""What a template says that contradicts itself: conditions that nobody can ever meet."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from bg_assets.domain.products import sizes
from bg_assets.domain.products.sizes import BANDS, SMALL_DEAL

_NEVER = "this condition can never hold: "


def never_holds(
    condition: Mapping[str, Sequence[str]],
    never: Mapping[str, Collection[str]],
    employees: tuple[int | None, int | None],
    fit: float | None,
) -> Iterator[tuple[str, str]]:
    """The key and the sentence of each reason for which a condition of a role is void.

    never: what the role and the whole template rule out, by the same keys. employees: the bounds.
    """
    if not any(condition.get(key) for key in ("functions", "titles", "departments")):
        yield "", "a condition needs functions, titles or departments, else everybody fits it"
    if fit == 0:
        yield "fit", f"{_NEVER}fit is 0; delete it, or raise fit"
    low, high = employees
    if low is not None and high is not None and low > high:
        yield (
            "min_employees",
            f"{_NEVER}min_employees {low:,} is above max_employees {high:,}",
        )
    sectors = condition.get("sectors", ())
    if sectors and set(sectors) <= set(condition.get("not_sectors", ())):
        yield "sectors", f"{_NEVER}all of its sectors stand under not_sectors too"
    levels = condition.get("levels", ())
    if levels and set(levels) <= set(never["levels"]):
        yield "levels", f"{_NEVER}all of its levels are excluded ({', '.join(levels)})"
    for function in condition.get("functions", ()):
        if function in never["functions"]:
            yield "functions", f"{_NEVER}{function} is asked for here and excluded under never"
    titles = condition.get("titles", ())
    if titles and all(_barred(title, never["titles"]) for title in titles):
        yield "titles", f"{_NEVER}all of its titles are excluded ({', '.join(titles)})"


def _barred(title: str, never: Collection[str]) -> bool:
    """Whether whoever has these words in the title also has excluded ones in it."""
    words = f" {' '.join(title.casefold().split())} "
    return any(f" {' '.join(phrase.casefold().split())} " in words for phrase in never)


def wordless(phrases: Sequence[str]) -> Iterator[str]:
    """Those of the phrases that hold no word, so that no title can hold them."""
    return (phrase for phrase in phrases if not any(letter.isalnum() for letter in phrase))


def most(role: str, deal_size: int) -> int:
    """How many of a role the largest group for such a deal has.

    A small deal is counted as an ordinary one: its smaller group asks for what it has room for.
    """
    deal = max(deal_size, SMALL_DEAL)
    # One employee more than each band reaches into the next.
    staffs = [1, *(employees + 1 for employees, _ in BANDS)]
    return max(sizes.target(employees, deal).of(role) for employees in staffs)
