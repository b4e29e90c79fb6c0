"""Years and months among the words of a title: where a date ends, and which time has ended."""

from bg_assets.domain.titles.hits import Text

_MONTHS = frozenset(
    word
    for line in (
        "january february march april may june july august september october november december",
        "jan feb mar apr jun jul aug sep sept oct nov dec okt dez dic des avr fev aout ago ott gen",
        "januar februar marz maerz mai juni juli oktober dezember desember januari februari maart",
        "mei augustus mars maj marts augusti janvier fevrier avril juin juillet septembre octobre",
        "novembre decembre enero febrero marzo abril mayo junio julio agosto septiembre octubre",
        "noviembre diciembre gennaio febbraio aprile maggio giugno luglio settembre ottobre",
        "dicembre janeiro fevereiro marco maio junho julho setembro outubro novembro dezembro",
        "stycznia lutego marca kwietnia maja czerwca lipca sierpnia wrzesnia pazdziernika",
        "listopada grudnia ledna unora brezna dubna kvetna cervna cervence srpna zari rijna",
        "listopadu prosince",
    )
    for word in line.split()
)
# What stands before a date, or between the two of a span.
_BEFORE = frozenset(
    (
        *("in", "since", "from", "end", "of", "seit", "im", "ab", "von", "ende", "anfang", "mitte"),
        *("en", "depuis", "fin", "de", "sinds", "eind", "desde", "finales", "dal", "nel", "fine"),
        *("em", "fim", "sedan", "i", "siden", "od", "w", "roku", "v", "early", "late", "mid"),
    )
)
_TO = frozenset(
    (
        *("to", "till", "until", "bis", "a", "au", "tot", "al", "hasta", "ate", "til", "do"),
        *("and", "through", "jusqu"),
    )
)


def is_year(word: str) -> bool:
    """Whether a word is a year in which somebody may have worked."""
    return len(word) == 4 and word.isdigit() and word[:2] in ("19", "20")


def behind_date(text: Text, at: int) -> int:
    """The place behind a date that begins there: `in March 2025`; the same place without one."""
    place = at
    while place < len(text.words) and (place == at or place not in text.breaks or place == at + 1):
        if is_year(text.words[place]):
            return place + 1
        if not (_is_part(text.words[place]) or text.words[place] in _BEFORE):
            return at
        place += 1
    return at


def beginning(text: Text, at: int) -> int:
    """The place where what leads to a year begins: `since 06/2015`."""
    while at > 0 and at not in text.breaks:
        word = text.words[at - 1]
        dated = _is_part(word) or (word in _BEFORE and word != "of")
        if not dated or (word == "and" and not (at > 1 and text.words[at - 2].isdigit())):
            return at
        at -= 1
    return at


def behind_span(text: Text, at: int) -> int:
    """The place behind a span of two years that begins with one there: `2015-2020`, `2015 to 2020`.

    The same place where there is none, or its end is open.
    """
    place = at + 1
    while place < len(text.words):
        word = text.words[place]
        if word.isdigit() and _ends(text.words[at], word):
            return place + 1
        if not (_is_part(word) or word in _TO):
            return at
        place += 1
    return at


def _is_part(word: str) -> bool:
    return word in _MONTHS or word == "and" or (word.isdigit() and len(word) < 3)


def _ends(year: str, word: str) -> bool:
    """Whether a span from a year ends in this one; 20 is 2020, and 06 a month."""
    if is_year(word):
        return word >= year
    return len(word) == 2 and int(word) > max(12, int(year[2:]))
