"""Whether a title or a department says a phrase of a template."""

from functools import lru_cache

from bg_assets.domain.titles import authority


def says(text: str | None, phrase: str) -> bool:
    """Whether a text holds a phrase as whole words, whatever the spelling and abbreviations."""
    if not text:
        return False
    (wanted, *_) = _words(phrase) or ("",)
    return bool(wanted) and any(wanted in words for words in _words(text))


@lru_cache(maxsize=1 << 17)
def first_said(texts: tuple[str | None, ...], phrases: tuple[str, ...]) -> str | None:
    """The first of the phrases that one of the texts holds, as ``says`` would have it."""
    spoken = [words for text in texts if text for words in _words(text)]
    for phrase, wanted in zip(phrases, _wanted(phrases), strict=True):
        if wanted and any(wanted in words for words in spoken):
            return phrase
    return None


@lru_cache(maxsize=1 << 10)
def _wanted(phrases: tuple[str, ...]) -> tuple[str, ...]:
    """What a text has to hold for each of the phrases, empty where nothing can."""
    return tuple((_words(phrase) or ("",))[0] for phrase in phrases)


@lru_cache(maxsize=1 << 17)
def _words(text: str) -> tuple[str, ...]:
    """Each section of a text as its words with a space before and after every one."""
    return tuple(f" {' '.join(words)} " for words in authority.spoken(text) if words)
