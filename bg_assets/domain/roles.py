"""What the roles of a buyer group are called: when people read them, and in other systems."""

from typing import Final

ROLE_LABELS = {
    "decision_maker": "decision maker",
    # From titles alone nobody is known to argue for anything.
    "champion": "potential champion",
    "stakeholder": "stakeholder",
    # Most of them ratify rather than oppose.
    "blocker": "gatekeeper",
    "introducer": "introducer",
}

# The values that these systems come with; whoever has others there maps ours by themselves.
# salesforce: the picklist OpportunityContactRole.Role, which has no champion: somebody who is only
# likely to argue for a product has influence, and who ratifies is an evaluator.
# hubspot: the contact property hs_buying_role, by its internal names.
# adobe: the roles that a buying group of Marketo and Journey Optimizer B2B starts with, which knows
# no gatekeeper (somebody with influence on the decision) and no introducer (a practitioner there).
EXPORTED_ROLES: Final = {
    "ours": {role: role for role in ROLE_LABELS},
    "salesforce": {
        "decision_maker": "Decision Maker",
        "champion": "Influencer",
        "stakeholder": "Business User",
        "blocker": "Evaluator",
        "introducer": "Other",
    },
    "hubspot": {
        "decision_maker": "DECISION_MAKER",
        "champion": "CHAMPION",
        "stakeholder": "INFLUENCER",
        "blocker": "BLOCKER",
        "introducer": "OTHER",
    },
    "adobe": {
        "decision_maker": "Decision Maker",
        "champion": "Champion",
        "stakeholder": "Influencer",
        "blocker": "Influencer",
        "introducer": "Practitioner",
    },
}
