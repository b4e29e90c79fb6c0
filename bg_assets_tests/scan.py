"""Looks through what tests leave behind: no secret and nobody whom they invented may stand there.

In logs, files that Dagster writes, and all of Dagster's tables: events with their metadata, tags,
run config, ticks. What is looked for is read from the tables and keys of the test itself, and what
all tests share is named here.
"""

import json
import re
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import sqlalchemy as sa

from bg_assets import encryption, settings
from bg_assets.storage.webhooks import sources

# People of whom many tests tell, and addresses of theirs.
INVENTED = frozenset(
    {
        *("Zebulon Quark", "zq@example.com", "Some One", "Ada Quill", "ada@acme.example"),
        *("Ines Holm", "Bo Marsh", "Cy Fennimore", "Wilma Quartz", "bo@acme.example"),
    }
)
SECRETS = re.compile(r"whsec_[\w+/=-]{20,}|(?<![\w-])[\w-]{43}=(?![\w=-])")
_PAIRS = re.compile(r"(?=\b([^\W\d_][\w'’-]*[ ][^\W\d_][\w'’-]*))")
_ADDRESSES = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
# From so many on a text is read once for all of them, rather than once for each.
_MANY = 60
_SHOWN = 40
_ROWS = 1000
# Too short, or made of one word, a name says little: a company or a title may be called so.
_PEOPLE = sa.text("""
    select distinct name from bg.people where name like '% %' and length(name) >= 6
    union select distinct email from bg.people where email like '%@%'
""")
_PAYLOADS = sa.text("select payload from bg.webhook_events order by id desc limit 500")
# Snapshots are compressed, and made of the code alone.
_TABLES = sa.text("""
    select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace
        and relname not in ('snapshots', 'alembic_version') order by relname
""")


@dataclass(frozen=True)
class Needles:
    """What must not be found."""

    words: frozenset[str]

    @cached_property
    def _forms(self) -> frozenset[str]:
        """They, and as JSON writes them."""
        return self.words | {json.dumps(word)[1:-1] for word in self.words}

    @cached_property
    def _two_words(self) -> dict[str, str]:
        return {" ".join(word.split()[:2]): word for word in self.words if " " in word}

    def within(self, text: str) -> Iterator[str]:
        """Those that stand in a text, with what stands around each."""
        for secret in SECRETS.finditer(text):
            yield _around(text, secret.start(), secret.group())
        for word in self._found(text):
            yield _around(text, max(text.find(word), 0), word)

    def _found(self, text: str) -> Iterable[str]:
        if len(self.words) <= _MANY:
            return [word for word in self._forms if word in text]
        addresses = self.words.intersection(_ADDRESSES.findall(text))
        pairs = self._two_words.keys() & set(_PAIRS.findall(text))
        return [*addresses, *(word for pair in pairs if (word := self._two_words[pair]) in text)]


def needles(engine: sa.Engine | None = None, home: Path | None = None) -> Needles:
    """What all tests share, and what is in these tables and in the keys of this home."""
    words = set(INVENTED)
    keys: encryption.Keys | None = None
    if home is not None and (home / "keys").exists():
        texts = (home / "keys").read_text(encoding="utf-8").splitlines()
        words |= {text for text in texts if settings.FERNET_KEY.fullmatch(text)}
        with suppress(encryption.KeysUnusable):
            keys = encryption.load(settings.read({"BG_HOME": str(home)}))
    if engine is not None:
        with engine.connect() as conn:
            words |= set(conn.execute(_PEOPLE).scalars())
            words |= _secrets_of(conn, keys) if keys is not None else set()
    return Needles(frozenset(words))


def _secrets_of(conn: sa.Connection, keys: encryption.Keys) -> set[str]:
    """The secrets of sources, and who is named in events, whether they became anything or not."""
    found = set()
    for source in sources.read_sources(conn, keys).values():
        found |= {secret.text for secret in source.secrets}
    for payload in conn.execute(_PAYLOADS).scalars():
        with suppress(encryption.CannotDecrypt, ValueError):
            person = json.loads(keys.decrypt(bytes(payload))).get("person") or {}
            found |= {
                text
                for text in (person.get("name"), person.get("email"))
                if isinstance(text, str) and len(text) >= 6 and (" " in text or "@" in text)
            }
    return found


def in_files(wanted: Needles, files: Iterable[Path]) -> list[str]:
    """What was found in these files, a line each that says where."""
    found = []
    for path in files:
        with suppress(OSError):
            text = path.read_text(encoding="utf-8", errors="replace")
            found += [f"{path.name}: {one}" for one in wanted.within(text)]
    return found


def in_dagster(wanted: Needles, engine: sa.Engine) -> list[str]:
    """What was found in any column of any of Dagster's tables."""
    found = []
    with engine.connect() as conn:
        for table in conn.execute(_TABLES).scalars().all():
            rows = conn.execution_options(stream_results=True, yield_per=_ROWS).execute(
                sa.text(f'select row_to_json(t)::text from public."{table}" as t')
            )
            for portion in rows.scalars().partitions():
                text = "\n".join(portion).replace('\\"', '"').replace("\\\\", "\\")
                found += [f"{table}: {one}" for one in wanted.within(text)]
    return found


def of_home(wanted: Needles, home: Path) -> list[str]:
    """What was found in the logs of a home, and in the files that Dagster keeps there."""
    logs = [*home.glob("*.log"), *(home / "logs").glob("*"), *(home / "postgres").glob("*.log*")]
    kept = [path for path in (home / "dagster").rglob("*") if path.is_file()]
    return in_files(wanted, [path for path in [*logs, *kept] if path.is_file()])


def nothing(found: Collection[str]) -> None:
    """Fail, saying where, if anything was found."""
    assert not found, "\n".join(["secrets or people were left behind:", *sorted(found)[:20]])


def _around(text: str, at: int, word: str) -> str:
    begin, end = max(0, at - _SHOWN), at + len(word) + _SHOWN
    return f"…{text[begin:at]}>>{word}<<{text[at + len(word) : end]}…".replace("\n", " ")
