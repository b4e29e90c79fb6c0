"""The file in which a user says what fields of their CRM are: BG_WEBHOOK_FIELDS."""

from collections.abc import Mapping

from bg_assets.domain.webhooks.secrets import Vendor
from bg_assets.domain.webhooks.vendors.table import BadTable, Table, tables
from bg_assets.settings import BadSetting, Settings


def tables_of(config: Settings) -> Mapping[Vendor, Table]:
    """The vendors' tables, the user's own fields first. Raises BadSetting."""
    path = config.webhook_fields
    if path is None:
        return tables()
    try:
        return tables(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as err:
        why = getattr(err, "strerror", None) or "it is not UTF-8"
        raise BadSetting(f"BG_WEBHOOK_FIELDS: {path} can't be read: {why}") from None
    except BadTable as err:
        raise BadSetting(f"BG_WEBHOOK_FIELDS: {path}: {err}") from None
