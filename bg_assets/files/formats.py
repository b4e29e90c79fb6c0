"""Of which format a file to import is: by its first bytes and the end of its name, which agree."""

import gzip
import zlib
from pathlib import Path
from typing import Literal

from bg_assets.files.header import BadHeader
from bg_assets.files.lines import opened

Format = Literal["csv", "json", "xlsx", "parquet"]

_JSON = (".jsonl", ".ndjson")
_WORKBOOK = (".xlsx", ".xlsm")
_PARQUET = (".parquet", ".pq")
_ZIP, _OLD, _GZIP = b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"\x1f\x8b"
# A file whose footer is encrypted begins with the second.
_OF_PARQUET = (b"PAR1", b"PARE")
# The directory of an encrypted workbook, which is a file of the old kind, names this.
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_PIECE = 1 << 20


def told(path: Path) -> Format:
    """The format of a file. Raises BadHeader where name and bytes disagree, or it can't be read.

    What is none of these formats and no text either is told as CSV, whose reader refuses it.
    """
    suffixes = [one.lower() for one in path.suffixes]
    suffix = suffixes[-1] if suffixes else ""
    start = _start(path)
    if start.startswith(_OLD):
        raise BadHeader(_old(path))
    if start.startswith(_ZIP) and suffix == ".zip":
        raise BadHeader("is a zip archive: unpack it, and import the file with the people in it")
    if start.startswith(_ZIP):
        return _named(suffix, _WORKBOOK, "xlsx", "a workbook or zip archive")
    if start.startswith(_OF_PARQUET):
        return _named(suffix, _PARQUET, "parquet", "a Parquet file")
    if suffix in (*_WORKBOOK, *_PARQUET):
        raise BadHeader(_no_such(suffix, start))
    if suffix == ".xls" and start.lstrip().lower().startswith((b"<html", b"<!doc", b"<table")):
        raise BadHeader("is a web page named .xls: open it as a sheet and save it as .xlsx")
    if suffix == ".gz":
        _refuse_packed(path)
        suffix = suffixes[-2] if len(suffixes) > 1 else ""
    _refuse_other_json(suffix, start)
    return "json" if suffix in _JSON else "csv"


def _refuse_other_json(suffix: str, start: bytes) -> None:
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text[:1] == b"[" and text[1:].lstrip()[:1] in (b"{", b"["):
        raise BadHeader(
            "is one JSON array: make it JSON lines, an object a line, named .jsonl; "
            "`jq -c '.[]' FILE` does that"
        )
    if text[:1] == b"{" and text[1:].lstrip()[:1] in (b'"', b"}") and suffix not in _JSON:
        raise BadHeader("is JSON: if each of its lines is an object, rename it to .jsonl")


def _named(suffix: str, fitting: tuple[str, ...], form: Format, what: str) -> Format:
    if suffix in fitting:
        return form
    name = f"is named {suffix}" if suffix else "has no ending to its name"
    raise BadHeader(f"is {what} but {name}: rename it to {fitting[0]} if it is one")


def _no_such(suffix: str, start: bytes) -> str:
    if not start:
        return "is empty"
    what = "workbook" if suffix in _WORKBOOK else "Parquet file"
    if b"\0" in start:
        return f"is named {suffix} but is no {what}, or is damaged: copy or make it again"
    return f"is named {suffix} but is no {what}: if it holds text, rename it to .csv"


def _old(path: Path) -> str:
    before = b""
    with opened(path) as file:
        while piece := file.read(_PIECE):
            if _ENCRYPTED in before + piece:
                return "is protected by a password: save it without one, as .xlsx"
            before = piece[-len(_ENCRYPTED) :]
    return "is an old Excel workbook: save it as .xlsx, or the sheet as CSV (UTF-8)"


def _refuse_packed(path: Path) -> None:
    try:
        with opened(path) as file:
            if file.peek(2)[:2] != _GZIP:
                return
            start = gzip.GzipFile(fileobj=file).read(4)
    except (OSError, EOFError, zlib.error):
        # Whoever reads the lines comes to the same place, and says so.
        return
    if start.startswith((_ZIP, _OLD, *_OF_PARQUET)):
        raise BadHeader("is packed with gzip, which only files of text may be: unpack it first")


def _start(path: Path) -> bytes:
    with opened(path) as file:
        try:
            return file.read(512)
        except OSError as err:
            raise BadHeader(f"can't be read: {err.strerror}") from None
