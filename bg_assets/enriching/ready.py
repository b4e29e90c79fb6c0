"""What is needed before anybody is asked: templates that ask, providers, the rules of cost."""

from dataclasses import dataclass
from decimal import Decimal

import sqlalchemy as sa

from bg_assets.domain.enrichment.asking import Answer, Provider, Question
from bg_assets.domain.enrichment.policy import Policy
from bg_assets.domain.products.template import Template
from bg_assets.enriching import plans
from bg_assets.enriching.enrichment import Ask, Asking
from bg_assets.products import in_force
from bg_assets.settings import Settings
from bg_assets.storage.operations import answering
from bg_assets.storage.operations.policy import policy_of

NO_PROVIDER = "no provider is configured (BG_PROVIDERS): nothing is asked"
NO_LEVEL = (
    "no template in use says `enrichment: enrich` or `enrichment: deep_research`: nothing is asked"
)


@dataclass(frozen=True, slots=True)
class Ready:
    """By which templates whom to ask, for how many US dollars a company; ``mistakes`` of others."""

    templates: tuple[Template, ...]
    asking: Asking
    budget: Decimal
    mistakes: tuple[str, ...] = ()


def templates_that_ask(engine: sa.Engine, config: Settings) -> tuple[Template, ...]:
    """The templates in force by which anything is asked. Raises BadTemplate."""
    force = in_force.in_force(engine, config.templates, config.products)
    return plans.asking(force.templates.values())


def ready(engine: sa.Engine, config: Settings) -> Ready | str:
    """What is there to ask with; or why nothing is asked. Raises BadTemplate."""
    if not config.providers:
        return NO_PROVIDER
    templates = templates_that_ask(engine, config)
    if not templates:
        return NO_LEVEL
    # An HTTP client costs 0.3 s to import, which nobody pays who asks nobody.
    from bg_assets.providers import chosen

    found = chosen.configured(config)
    if not found.providers:
        return "; ".join(found.mistakes)
    policy = policy_of(config)
    asking = Asking(found.providers, _ask(engine, policy), policy.lasts)
    return Ready(templates, asking, config.enrich_budget, found.mistakes)


def _ask(engine: sa.Engine, policy: Policy) -> Ask:
    def ask(provider: Provider, question: Question) -> Answer:
        return answering.answer(engine, provider, question, policy).answer

    return ask
