"""The keys that secrets and payloads are encrypted with: from BG_ENCRYPTION_KEYS or a file.

The newest key writes, all of them read. Nothing here is ever printed or logged.
"""

import base64
import hmac
import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from bg_assets.settings import FERNET_KEY, Settings
from bg_assets.writing import WholeFile

FILE = "keys"
_NAME_BYTES = 4
_HEADER = "# Keys of bg_assets, newest first. Who has them can read what webhooks brought.\n"
_LONGEST_FILE = 64 * 1024


class KeysUnusable(Exception):
    """What is encrypted can't be written or read; the message says what to do, without a key."""


class KeysMissing(KeysUnusable):
    """There is no key, and none may be made up."""


class CannotDecrypt(KeysUnusable):
    """None of the keys opens what is stored."""


class Hasher:
    """Keyed hashes under one key, which tell nothing to who has not got it."""

    def __init__(self, key: str) -> None:
        self._key = hmac.digest(base64.urlsafe_b64decode(key), b"bg_assets: hashes", "sha256")
        self.name = hmac.digest(self._key, b"name", "sha256")[:_NAME_BYTES]

    def digest(self, content: bytes) -> bytes:
        """The name of the key, and the hash."""
        return self.name + hmac.digest(self._key, content, "sha256")


@dataclass(frozen=True, slots=True)
class _Opened:
    fernet: MultiFernet
    hashers: tuple[Hasher, ...]


class Keys:
    """Encrypts and hashes with the newest key, decrypts and compares with any.

    Keys from a file follow it: a process that runs sees a rotation at its next call. The methods
    raise KeysUnusable where the file is gone or broken by then. ``told_of`` holds the numbers of
    the secrets of which it was logged that these keys don't open them.
    """

    def __init__(self, keys: tuple[str, ...] = (), path: Path | None = None) -> None:
        self.told_of: set[int] = set()
        self._path = path
        self._loaded = (_stamp(path), _open(_read(path) if path else keys))

    def encrypt(self, plain: bytes) -> bytes:
        """The token to store."""
        return self._current().fernet.encrypt(plain)

    def decrypt(self, token: bytes) -> bytes:
        """What was encrypted. Raises CannotDecrypt."""
        try:
            return self._current().fernet.decrypt(token)
        except InvalidToken:
            raise CannotDecrypt(
                "stored secrets or payloads were encrypted with a key that is not here: put it "
                "back, behind the newest, into "
                + (str(self._path) if self._path else "BG_ENCRYPTION_KEYS")
            ) from None

    def digest(self, content: bytes) -> bytes:
        """A keyed hash to store, by which ``differs`` knows the content again."""
        return self._current().hashers[0].digest(content)

    def names(self) -> frozenset[bytes]:
        """The names of the keys, with which digests begin: what has another name is not theirs."""
        return frozenset(hasher.name for hasher in self._current().hashers)

    def differs(self, digest: bytes, content: bytes) -> bool:
        """Whether the digest is of another content; no where its key is not here any more."""
        for hasher in self._current().hashers:
            if digest.startswith(hasher.name):
                return not hmac.compare_digest(digest, hasher.digest(content))
        return False

    def _current(self) -> _Opened:
        if self._path is not None:
            stamp = _stamp(self._path)
            if stamp != self._loaded[0]:
                self._loaded = (stamp, _open(_read(self._path)))
        return self._loaded[1]


def load(config: Settings) -> Keys:
    """The keys of this installation.

    BG_ENCRYPTION_KEYS, or else, on the embedded database only, a file in the home, made on first
    need. Raises KeysMissing, and KeysUnusable where the file is open to others or broken.
    """
    if config.encryption_keys:
        return Keys(config.encryption_keys)
    if config.database_url:
        raise KeysMissing(
            "BG_ENCRYPTION_KEYS is not set, and with BG_DATABASE_URL it must be: make a key with "
            "`bg-assets keys new`, keep it safe, and give it to every process"
        )
    path = config.home / FILE
    if not path.exists():
        try:
            _create(path)
        except OSError as err:
            raise KeysUnusable(f"{path} can't be made: {err.strerror}") from None
    return Keys(path=path)


def names(config: Settings) -> tuple[str, ...]:
    """What tells the keys of this installation apart and nothing else of them, newest first.

    None where there are none yet: none is made. Raises KeysUnusable.
    """
    path = config.home / FILE
    keys = config.encryption_keys
    if not keys and not config.database_url and path.exists():
        keys = _read(path)
    return tuple(Hasher(key).name.hex() for key in keys)


def new_key() -> str:
    """A fresh random key."""
    return Fernet.generate_key().decode()


def read_file(path: Path) -> tuple[str, ...]:
    """The keys in the file, newest first. Raises KeysUnusable."""
    return _read(path)


def write_file(path: Path, keys: tuple[str, ...]) -> None:
    """Put these keys in place of the file's: a reader, or a crash, sees the old ones or these."""
    with WholeFile(path, 0o600, keep_mode=False) as file:
        file.text.write(_content(keys))


def _create(path: Path) -> None:
    """Make the file with one key, unless another process was quicker."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file = WholeFile(path, 0o600, keep_mode=False)
    file.text.write(_content((new_key(),)))
    with suppress(FileExistsError):
        file.put(replace=False)


def _content(keys: tuple[str, ...]) -> str:
    return _HEADER + "".join(f"{key}\n" for key in keys)


def _read(path: Path) -> tuple[str, ...]:
    try:
        # A pipe in its place must not make us wait.
        number = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise _gone(path) from None
    except OSError as err:
        raise KeysUnusable(f"{path} can't be read: {err.strerror}") from None
    with os.fdopen(number, "rb") as file:
        _refuse_exposed(path, os.fstat(number))
        content = file.read(_LONGEST_FILE).decode(errors="replace")
    lines = [line.strip() for line in content.splitlines()]
    keys = tuple(line for line in lines if line and not line.startswith("#"))
    if not keys or not all(FERNET_KEY.fullmatch(key) for key in keys):
        raise KeysUnusable(
            f"{path} does not hold keys, one a line: restore it from a backup; what it opened "
            "can't be read without it"
        )
    return keys


def _refuse_exposed(path: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise KeysUnusable(f"{path} is not a file: remove it, or set BG_ENCRYPTION_KEYS")
    if found.st_uid != os.geteuid():
        raise KeysUnusable(
            f"{path} belongs to another user (id {found.st_uid}, not {os.geteuid()}): run as that "
            "user, or give the file to this one"
        )
    if stat.S_IMODE(found.st_mode) & 0o077:
        raise KeysUnusable(f"{path} is open to other users: close it with `chmod 600 {path}`")


def _stamp(path: Path | None) -> tuple[int, int, int, int] | None:
    """What differs as soon as the file is another or has another content or mode."""
    if path is None:
        return None
    try:
        found = path.stat()
    except FileNotFoundError:
        raise _gone(path) from None
    except OSError as err:
        raise KeysUnusable(f"{path} can't be read: {err.strerror}") from None
    return found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size


def _gone(path: Path) -> KeysMissing:
    return KeysMissing(f"{path} is gone: restore it, since what it opened can't be read without it")


def _open(keys: tuple[str, ...]) -> _Opened:
    return _Opened(MultiFernet([Fernet(key) for key in keys]), tuple(Hasher(key) for key in keys))
