"""Code versions of the assets: by them Dagster shows what other rules or templates have built.

Read when the definitions are loaded: after a template has changed, groups are built by the new one
at once, and the UI knows it after "Reload definitions" or a restart.
"""

import hashlib
from contextlib import suppress

from bg_assets import settings
from bg_assets.domain.titles import verdict
from bg_assets.domain.values import countries
from bg_assets.products.files import find_templates

# Raised by hand when the rules themselves change.
_GROUP_RULES = "4"


def of_people() -> str:
    """That of company_people, which its rows carry too: it follows how titles are read.

    That is set here for this process, before its first version: BG_TITLE_TAIL. Raises nothing; a
    bad setting is told by the tick.
    """
    with suppress(settings.BadSetting):
        verdict.hear_tail(settings.read().title_tail)
    return verdict.version()


def of_groups() -> str:
    """That of buyer_groups: it follows the templates of BG_PRODUCTS, and countries. Raises nothing.

    A product whose template can't be read counts as one without: the tick tells what is wrong.
    """
    try:
        config = settings.read()
    except settings.BadSetting:
        return _GROUP_RULES
    templates = find_templates(config.templates).templates
    hashes = [f"{name} {templates[name].hash}" for name in config.products if name in templates]
    known = f"{' '.join(hashes)} {countries.table()}".encode()
    return f"{_GROUP_RULES}-{hashlib.sha256(known).hexdigest()[:8]}"
