"""The rules by which questions are asked, as the settings have them."""

from bg_assets.domain.enrichment.asking import Kind
from bg_assets.domain.enrichment.policy import Policy
from bg_assets.settings import Settings


def policy_of(config: Settings) -> Policy:
    """The policy that the variables BG_ENRICH_EXPIRY and BG_ENRICH_CAP_* make."""
    return Policy(
        expiry={Kind(name): seconds for name, seconds in config.enrich_expiry},
        daily=dict(config.enrich_cap_daily),
        monthly=dict(config.enrich_cap_monthly),
    )
