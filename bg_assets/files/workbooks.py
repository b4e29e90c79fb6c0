"""A workbook to import: which of its sheets, where the header stands there, and its records.

What a workbook is made of tells openpyxl; the rows are read as they stream by (sheets.py).
"""

import warnings
import zipfile
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, cast

from bg_assets.domain.values.days import CountedFrom
from bg_assets.files import sheets
from bg_assets.files.header import BadHeader, show
from bg_assets.files.lines import BrokenFile, opened
from bg_assets.files.records import Record
from bg_assets.files.sheets import Cells, Styles, Texts
from bg_assets.files.spellings import plain

# The header is one of so many first rows that hold anything.
_ROWS = 25
# Bytes of all parts of a workbook besides sheets and texts, which are read whole.
_STRUCTURE = 50_000_000
_DAMAGED = "is damaged or cut off: copy it again, or save it again as .xlsx"


@dataclass(frozen=True, slots=True)
class Table:
    """What of a workbook is read: a sheet, the row of its header, and where its columns stand.

    counted_from: the year with which its calendar begins, 1900 or 1904.
    """

    sheet: str
    row: int
    header: tuple[str, ...]
    places: tuple[int, ...]
    counted_from: CountedFrom


@dataclass(frozen=True, slots=True)
class _Sheet:
    name: str
    part: str
    hidden: bool


class Workbook:
    """An open workbook; close it in the end."""

    def __init__(self, path: Path) -> None:
        """Raises BadHeader where it can't be read, openpyxl is missing, or it is another kind."""
        self._raw = opened(path)
        try:
            with _understood():
                self._archive = zipfile.ZipFile(self._raw)
                self._read()
        except BaseException:
            self._raw.close()
            raise

    @property
    def position(self) -> int:
        return 0 if self._raw.closed else self._raw.tell()

    def close(self) -> None:
        self._archive.close()
        self._raw.close()

    @property
    def counted_from(self) -> CountedFrom:
        return self._styles.counted_from

    def texts(self) -> Texts:
        """The texts that its cells share; close them."""
        texts = Texts()
        try:
            if self._texts is not None:
                with self._archive.open(self._texts) as stream:
                    texts.fill(cast(BinaryIO, stream))
        except (zipfile.BadZipFile, KeyError, NotImplementedError, RuntimeError) as err:
            texts.close()
            raise BadHeader(_DAMAGED) from err
        except BaseException:
            texts.close()
            raise
        return texts

    def rows(self, sheet: str, texts: Texts) -> Iterator[tuple[int, Cells]]:
        """The rows of a sheet that hold anything. Raises BrokenFile."""
        part = next(one.part for one in self._sheets if one.name == sheet)
        try:
            with self._archive.open(part) as stream:
                yield from sheets.rows(cast(BinaryIO, stream), texts, self._styles)
        except (zipfile.BadZipFile, KeyError, NotImplementedError, RuntimeError) as err:
            raise BrokenFile(_DAMAGED) from err

    def chosen(self, wanted: str | None, texts: Texts) -> str:
        """The sheet of a name or number, or the one with rows. Raises BadHeader for several."""
        names = [one.name for one in self._sheets]
        if wanted is not None:
            number = int(wanted) if wanted.isascii() and wanted.isdigit() else 0
            folded = [name for name in names if name.casefold() == wanted.casefold()]
            if folded:
                return wanted if wanted in names else folded[0]
            if 1 <= number <= len(names):
                return names[number - 1]
            raise BadHeader(f"has no sheet {show(wanted)}: there are {_listed(names)}")
        filled = [one for one in self._sheets if next(self.rows(one.name, texts), None)]
        # What is hidden serves the others, as lists to choose from do.
        filled = [one for one in filled if not one.hidden] or filled
        if len(filled) > 1:
            some = _listed([one.name for one in filled])
            raise BadHeader(
                f"has several sheets with rows, {some}: name one, like --sheet "
                f"{show(filled[0].name)}"
            )
        if not filled:
            raise BadHeader("has no sheet with rows: one must name the columns in its first row")
        return filled[0].name

    @property
    def several(self) -> bool:
        return len(self._sheets) > 1

    def _read(self) -> None:
        names = set(self._archive.namelist())
        _refuse_other_kinds(names)
        big = sum(
            info.file_size
            for info in self._archive.infolist()
            if info.filename.endswith((".rels", "styles.xml", "workbook.xml", "_Types].xml"))
        )
        if big > _STRUCTURE:
            raise BadHeader("has far too many styles or sheets: copy the sheet to a new workbook")
        excel = _excel_reader()
        reader = excel.ExcelReader(self._raw, read_only=True, data_only=True, keep_links=False)
        reader.read_manifest()
        reader.read_workbook()
        self._styles = Styles(
            _dates(reader.archive), 1904 if reader.wb.epoch.year == 1904 else 1900
        )
        self._sheets = [
            _Sheet(sheet.name, rel.target, sheet.state != "visible")
            for sheet, rel in reader.parser.find_sheets()
            if rel.target in names and "chartsheet" not in rel.Type
        ]
        shared = reader.package.find(excel.SHARED_STRINGS)
        self._texts = shared.PartName.lstrip("/") if shared is not None else None


class SheetRecords:
    """The records of one sheet, its header first; close it in the end.

    ``nameless``: columns, by their letters, in which something stood without a header over it.
    """

    # A row is whole or the workbook is broken.
    cut = False

    def __init__(self, path: Path, table: Table) -> None:
        """Raises BadHeader where the workbook can't be read."""
        self._table = table
        self._workbook = Workbook(path)
        self._named = frozenset(table.places)
        self._nameless: set[int] = set()
        try:
            self._texts = self._workbook.texts()
        except BaseException:
            self._workbook.close()
            raise

    @property
    def position(self) -> int:
        return self._workbook.position

    @property
    def nameless(self) -> tuple[str, ...]:
        return tuple(map(_letters, sorted(self._nameless)))

    def close(self) -> None:
        self._texts.close()
        self._workbook.close()

    def first(self) -> Record | None:
        return self._table.row, list(self._table.header), None

    def __iter__(self) -> Iterator[Record]:
        """The number of each row below the header that holds anything, and its texts."""
        above, places, named = self._table.row, self._table.places, self._named
        for row, cells in self._workbook.rows(self._table.sheet, self._texts):
            if row <= above:
                continue
            if not cells.keys() <= named:
                self._nameless |= cells.keys() - named
            get = cells.get
            yield row, [get(place, "") for place in places], None


def told(path: Path, known: Collection[str], sheet: str | None) -> tuple[Table, tuple[str, ...]]:
    """The table of a workbook, by where ``known`` names of columns stand; and what is to say of it.

    ``sheet``: its name or number, as the user says. Raises BadHeader.
    """
    workbook = Workbook(path)
    try:
        with workbook.texts() as texts:
            name = workbook.chosen(sheet, texts)
            first = list(islice(workbook.rows(name, texts), _ROWS))
    finally:
        workbook.close()
    if not first:
        raise BadHeader(f"has no rows in sheet {show(name)}")
    row, cells = _header(first, known)
    places = tuple(place for place in sorted(cells) if cells[place].strip())
    table = Table(name, row, tuple(cells[place] for place in places), places, workbook.counted_from)
    said = [f"sheet {show(name)}"] if workbook.several else []
    if row != first[0][0]:
        said.append(f"the header is in row {row:,}: what stands before it is passed over")
    return table, tuple(said)


def _header(rows: Sequence[tuple[int, Cells]], known: Collection[str]) -> tuple[int, Cells]:
    """The row that names most columns, gaps in it filled by what is merged into it from above."""
    best, found = 0, rows[0]
    above: Cells = {}
    for number, cells in rows:
        for names in (cells, above | cells):
            score = len({plain(name) for name in names.values()} & set(known))
            # One word may stand in any text before the header.
            if score > best and (number == rows[0][0] or score > 1):
                best, found = score, (number, names)
        above = cells
    return found


def _letters(place: int) -> str:
    letters, number = "", place + 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def _listed(names: Iterable[str]) -> str:
    names = list(names)
    some = ", ".join(map(show, names[:20]))
    return f"{some} and {len(names) - 20} more" if len(names) > 20 else some


def _refuse_other_kinds(names: Collection[str]) -> None:
    if "xl/workbook.bin" in names:
        raise BadHeader("is a binary workbook (.xlsb): save it as .xlsx")
    if "content.xml" in names:
        raise BadHeader("is an OpenDocument sheet (.ods): save it as .xlsx, or as CSV (UTF-8)")
    if "[Content_Types].xml" not in names:
        raise BadHeader("is a zip archive but no workbook: unpack it, or save the sheet as .xlsx")


def _dates(archive: zipfile.ZipFile) -> frozenset[int]:
    """The numbers of those styles of a workbook that show a number as a day."""
    from openpyxl.styles.stylesheet import Stylesheet
    from openpyxl.xml.constants import ARC_STYLE
    from openpyxl.xml.functions import fromstring

    if ARC_STYLE not in archive.namelist():
        return frozenset()
    tree: Any = fromstring(archive.read(ARC_STYLE))
    sheet: Any = Stylesheet.from_tree(tree)
    return frozenset(sheet.date_formats) - frozenset(sheet.timedelta_formats)


def _excel_reader() -> Any:
    try:
        from openpyxl.reader import excel
    except ImportError:
        raise BadHeader("is a workbook, which needs: pip install 'bg-assets[excel]'") from None
    return excel


@contextmanager
def _understood() -> Iterator[None]:
    """Tell in our words what openpyxl and zipfile raise for a workbook that is none."""
    try:
        with warnings.catch_warnings():
            # Of what a workbook has besides its cells.
            warnings.simplefilter("ignore")
            yield
    except (zipfile.BadZipFile, EOFError) as err:
        raise BadHeader(_DAMAGED) from err
    except (KeyError, ValueError, TypeError, AttributeError, SyntaxError, OSError, RuntimeError):
        raise BadHeader(
            "is no workbook that can be read: open it and save it again as .xlsx"
        ) from None
