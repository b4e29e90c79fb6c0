"""Code versions of the assets: by them Dagster shows what other rules or templates have built.

Read when the definitions are loaded: after a template has changed, groups are built by the new one
at once, and the UI knows it after "Reload definitions" or a restart.
"""

import hashlib
from pathlib import Path

from bg_assets import domain, settings
from bg_assets.products.files import find_templates

# Raised by hand when the rules themselves change.
_PEOPLE_RULES = "1"
_GROUP_RULES = "1"


def of_people() -> str:
    """That of company_people: it follows the lexicon of titles and what lies beside it."""
    tables = sorted(Path(domain.__file__).parent.rglob("*.csv"))
    return f"{_PEOPLE_RULES}-{_digest(b''.join(table.read_bytes() for table in tables))}"


def of_groups() -> str:
    """That of buyer_groups: it follows the templates of BG_PRODUCTS. Raises nothing.

    A product whose template can't be read counts as one without: the tick tells what is wrong.
    """
    try:
        config = settings.read()
    except settings.BadSetting:
        return _GROUP_RULES
    found = find_templates(config.templates).templates
    hashes = [f"{name} {found[name].hash}" for name in config.products if name in found]
    return f"{_GROUP_RULES}-{_digest(' '.join(hashes).encode())}"


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:8]
