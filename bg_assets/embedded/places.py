"""Where the data folder lies and where its socket lies, so that the server's user can reach both.

The data lies in the home. Only when root works in a folder that the server's user can't pass into
does it lie outside, in a folder of root's; a file ``location`` in the home then tells where.
"""

import hashlib
import os
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path

from bg_assets.embedded import EmbeddedUnavailable, processes
from bg_assets.embedded.users import ServerUser

OUTSIDE = (Path("/var/lib/bg_assets"), Path("/opt/bg_assets"), Path("/srv/bg_assets"))
# The variable TMPDIR is left alone: commands of one checkout may have different ones.
SOCKET_BASES = (Path("/tmp"), Path("/var/tmp"), Path("/dev/shm"))
LOCATION = "location"
OWNER = "home"


def data_folder(folder: Path) -> Path:
    """The data folder that belongs to the home's folder, whether it is there yet or not."""
    return _recorded(folder, adopt=False) / "data"


def new_data_folder(folder: Path, user: ServerUser, outside: tuple[Path, ...]) -> Path:
    """An empty folder of the user's, to be filled and then renamed to ``data`` beside it.

    Raises EmbeddedUnavailable when the user can reach none.
    """
    recorded = _recorded(folder, adopt=True)
    for root in [recorded] if recorded != folder else [folder, *outside]:
        try:
            place = _outside_place(root, folder) if root in outside else root
            partial = _reachable(place, user)
        except OSError:
            if root == folder and not user.switched:
                raise
            continue
        if partial is not None:
            if place != folder:
                _write(folder / LOCATION, f"{place}\n")
            return partial
    raise EmbeddedUnavailable(
        f"PostgreSQL runs as the user {user.name} here, who can't reach {folder}, and there is no "
        "other place: set BG_HOME to a folder that others may pass into"
    )


def keep_reachable(data: Path, user: ServerUser) -> None:
    """Raise EmbeddedUnavailable where the server's user can't get to its data (any more)."""
    if user.switched and not _can_work_in(data, user):
        raise EmbeddedUnavailable(
            f"PostgreSQL runs as the user {user.name} here, who can't reach {data}: let others "
            "pass through the folders above it (chmod o+x), or set BG_HOME to another folder"
        )


def hand_over(data: Path, old: ServerUser, new: ServerUser) -> bool:
    """Give the data of a server that is down to another user; False where that one can't get there.

    The folder itself comes last: until then it is the old user's, and this is done again.
    """
    if not _can_pass(data.parent, new):
        return False
    # By descriptors, so that a name which the old user exchanges meanwhile leads nowhere else.
    for _, folders, files, descriptor in os.fwalk(data, topdown=False, follow_symlinks=False):
        for name in (*folders, *files):
            status = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
            if status.st_uid == old.uid:
                os.chown(name, new.uid, new.gid, dir_fd=descriptor, follow_symlinks=False)
    os.chown(data, new.uid, new.gid, follow_symlinks=False)
    return True


def outside_place(folder: Path) -> Path | None:
    """The folder outside the home that holds its data, if there is one."""
    place = _recorded(folder, adopt=False)
    return None if place == folder else place


def socket_folder(folder: Path, user: ServerUser) -> Path:
    """Where the home's socket lies or would lie: a short path that only the home decides."""
    candidates = [base / _socket_name(folder, user) for base in SOCKET_BASES]
    return next((path for path in candidates if path.is_dir()), candidates[0])


def prepare_socket_folder(folder: Path, user: ServerUser) -> Path:
    """Make the folder of the socket, which nobody but the server's user may enter.

    The server trusts whoever reaches its socket. So a folder that is there already is taken only
    if it is the user's own and closed to others; else EmbeddedUnavailable is raised.
    """
    for base in SOCKET_BASES:
        path = base / _socket_name(folder, user)
        try:
            path.mkdir(mode=0o700)
        except FileExistsError:
            _refuse_exposed_folder(path, user)
            return path
        except OSError:
            continue
        path.chmod(0o700)
        if user.switched:
            os.chown(path, user.uid, user.gid, follow_symlinks=False)
        return path
    bases = ", ".join(str(base) for base in SOCKET_BASES)
    raise EmbeddedUnavailable(
        f"PostgreSQL needs a folder for its socket and none of {bases} can be written: "
        "make one writable, or set BG_DATABASE_URL"
    )


def is_private(path: Path, user: ServerUser) -> bool:
    """Whether the folder is there and nobody but the user can have put anything into it."""
    return os.path.lexists(path) and not _exposure(path, user)


def _refuse_exposed_folder(path: Path, user: ServerUser) -> None:
    problem = _exposure(path, user)
    if problem:
        raise EmbeddedUnavailable(
            f"{path} {problem}, so the database's socket would not be safe there: remove it, or "
            "set BG_HOME to another folder"
        )


def _exposure(path: Path, user: ServerUser) -> str:
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode):
        return "is not a folder"
    if found.st_uid != user.uid:
        return f"belongs to another user (id {found.st_uid}, not {user.uid})"
    if stat.S_IMODE(found.st_mode) & 0o077:
        return f"is open to other users (mode {stat.S_IMODE(found.st_mode):o}, not 700)"
    return ""


def _socket_name(folder: Path, user: ServerUser) -> str:
    return f"bg-pg-{_hash(folder, user.uid)}"


def _hash(folder: Path, *more: object) -> str:
    text = "\0".join([os.path.realpath(folder), *map(str, more)])
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:16]


def _recorded(folder: Path, *, adopt: bool) -> Path:
    """The folder that ``location`` names, if it is this home's, else the home's own.

    A home that was moved takes its data along, one that was copied doesn't share it.
    """
    try:
        place = Path((folder / LOCATION).read_text().rstrip("\n"))
        owner = Path((place / OWNER).read_text().rstrip("\n"))
    except OSError:
        return folder
    if owner == Path(os.path.realpath(folder)):
        return place
    if _names(owner / LOCATION, place):
        return folder
    if adopt:
        _write(place / OWNER, f"{os.path.realpath(folder)}\n")
    return place


def _names(location: Path, place: Path) -> bool:
    try:
        return location.read_text().rstrip("\n") == str(place)
    except OSError:
        return False


def _outside_place(base: Path, folder: Path) -> Path:
    """A place of the home's own below the base.

    One that is there already is data of a home that was deleted (set aside, as the last such) or
    of one that was moved elsewhere (left alone).
    """
    base.mkdir(parents=True, exist_ok=True)
    # Whatever the mask: the server's user has to pass through, and sees nothing else in there.
    base.chmod(0o755)
    me = os.path.realpath(folder)
    place = base / _hash(folder)
    number = 1
    while place.exists() and (place / OWNER).read_text().rstrip("\n") != me:
        number += 1
        place = base / f"{_hash(folder)}-{number}"
    if place.exists():
        processes.kill(place / "data")
        aside = place.with_name(f"{place.name}.old")
        shutil.rmtree(aside, ignore_errors=True)
        place.rename(aside)
    place.mkdir(mode=0o711)
    place.chmod(0o711)
    _write(place / OWNER, f"{me}\n")
    return place


def _reachable(place: Path, user: ServerUser) -> Path | None:
    """A new folder in the place that the user can work in, or None if it can't get there."""
    for abandoned in place.glob("data.new-*"):
        shutil.rmtree(abandoned, ignore_errors=True)
    partial = Path(tempfile.mkdtemp(prefix="data.new-", dir=place))
    if not user.switched:
        return partial
    try:
        os.chown(partial, user.uid, user.gid)
        if _can_work_in(partial, user):
            return partial
    except OSError:
        pass
    partial.rmdir()
    return None


def _can_work_in(folder: Path, user: ServerUser) -> bool:
    """Tried rather than read from modes, which don't tell of ACLs and mounts."""
    return _succeeds('cd -- "$1" && test -w .', folder, user)


def _can_pass(folder: Path, user: ServerUser) -> bool:
    return _succeeds('cd -- "$1"', folder, user)


def _succeeds(script: str, folder: Path, user: ServerUser) -> bool:
    tried = subprocess.run(
        ["/bin/sh", "-c", script, "sh", folder],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
        cwd="/",
        env=user.environment(),
        **user.popen(),
    )
    return tried.returncode == 0


def _write(path: Path, text: str) -> None:
    """Write the file so that a reader, or a crash, sees all of it or none."""
    partial = path.with_name(f"{path.name}.new")
    partial.write_text(text)
    partial.replace(path)
