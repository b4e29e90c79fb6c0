"""The companies of a run in portions of so many people that they take little memory."""

from collections.abc import Iterator, Mapping, Sequence

# Companies that are written in one transaction: some seconds of work.
MOST_COMPANIES = 100
# People that are held at once, at about 2 kB each. One company is never divided.
MOST_PEOPLE = 10_000


def divided(companies: Sequence[str], people: Mapping[str, int]) -> Iterator[Sequence[str]]:
    """All of these companies in their order, as many at a time as the limits allow.

    people: how many each has, where it has any. None of no companies.
    """
    portion: list[str] = []
    number = 0
    for company in companies:
        further = people.get(company, 0)
        if portion and (len(portion) == MOST_COMPANIES or number + further > MOST_PEOPLE):
            yield portion
            portion, number = [], 0
        portion.append(company)
        number += further
    if portion:
        yield portion
