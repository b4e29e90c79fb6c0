"""Templates in files: the shipped ones and those of a folder of one's own (BG_TEMPLATES).

The only place that reads them from a disk; what a text says is read in domain.products.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bg_assets.domain import products as shipped
from bg_assets.domain.products.places import BadTemplate
from bg_assets.domain.products.template import Template, name_line, parse_template
from bg_assets.domain.values.near import near

SHIPPED = Path(shipped.__file__).parent
MOST_BYTES = 1 << 20  # a template is some thousand bytes


@dataclass(slots=True)
class Found:
    """What lies in the folders: the template of each product, its file and text, what is wrong.

    Of a file with a mistake, and of two files for one product, none is among the templates.
    """

    templates: dict[str, Template] = field(default_factory=dict)
    files: dict[str, Path] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    mistakes: list[str] = field(default_factory=list)


def load_template(path: Path) -> Template:
    """The template of a file. Raises BadTemplate with file and line."""
    return parse_template(read_text(path), str(path))


def load_templates(
    folder: Path | None = None, products: Sequence[str] | None = None
) -> dict[str, Template]:
    """The shipped templates and those of a folder of one's own, by product.

    products: only theirs, in this order. Raises BadTemplate for mistakes in files, two templates of
    one name, a folder that is missing, and a product that has no template (with near matches).
    """
    found = find_templates(folder)
    if not found.mistakes:
        found.mistakes += unknown(products or (), found)
    if found.mistakes:
        raise BadTemplate(*found.mistakes)
    if products is None:
        return found.templates
    return {product: found.templates[product] for product in products}


def unknown(products: Sequence[str], found: Found) -> list[str]:
    """A sentence for each of the products that has no template."""
    return [
        f"no template is named {product!r}; {near(product, found.templates)}"
        for product in products
        if product not in found.templates
    ]


def find_templates(folder: Path | None = None) -> Found:
    """The shipped templates and those of a folder of one's own, whatever is wrong with others.

    A file whose name starts with a dot, or ends otherwise than in .yaml or .yml, is passed over.
    """
    found = Found()
    try:
        own = template_files(folder) if folder and not _is_shipped(folder) else []
        paths = template_files(SHIPPED) + own
    except BadTemplate as bad:
        paths = template_files(SHIPPED)
        found.mistakes += bad.lines
    twice: dict[str, Path] = {}
    for path in paths:
        try:
            text = read_text(path)
            template = parse_template(text, str(path))
        except BadTemplate as bad:
            found.mistakes += bad.lines
            continue
        product = template.name
        other = found.files.get(product) or twice.get(product)
        if other is None:
            found.templates[product], found.files[product] = template, path
            found.texts[product] = text
            continue
        found.mistakes.append(
            f"{path}, line {name_line(text)}: {other} has the name {product!r} too; rename one of "
            "them"
        )
        twice[product] = other
        for known in (found.templates, found.files, found.texts):
            known.pop(product, None)
    return found


def template_files(folder: Path) -> list[Path]:
    """The templates' files in a folder, in order. Raises BadTemplate where it can't be read."""
    if not folder.is_dir():
        raise BadTemplate(f"{folder}: no such folder of templates; correct BG_TEMPLATES")
    try:
        return sorted(
            path
            for path in folder.iterdir()
            if path.suffix.lower() in (".yaml", ".yml")
            and not path.name.startswith(".")
            # A pipe would make every command wait; of a link that leads nowhere it is told.
            and (path.is_file() or (path.is_symlink() and not path.exists()))
        )
    except OSError as err:
        raise BadTemplate(f"{folder}: can't be read: {err.strerror or err}") from None


def read_text(path: Path) -> str:
    """The text of a file. Raises BadTemplate where it can't be read or is not UTF-8."""
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as err:
        raise BadTemplate(f"{path}: can't be read: {err.strerror or err}") from None
    if len(content) > MOST_BYTES:
        raise BadTemplate(f"{path}: larger than {MOST_BYTES:,} bytes: no template")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as err:
        line = content.count(b"\n", 0, err.start) + 1
        raise BadTemplate(f"{path}, line {line}: not UTF-8; save the file as UTF-8") from None


def _is_shipped(folder: Path) -> bool:
    return folder.exists() and folder.samefile(SHIPPED)
