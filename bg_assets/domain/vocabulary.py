"""The closed word lists of the domain: functions, levels and roles, in order of rank, with the
words that people and other systems have for them.
"""

import re

FUNCTIONS = (
    "executive",
    "sales",
    "marketing",
    "revenue_operations",
    "finance",
    "operations",
    "product",
    "engineering",
    "it",
    "security",
    "data",
    "design",
    "hr",
    "legal",
    "compliance",
    "procurement",
    "communications",
    "support",
    "customer_success",
    "research",
    "administration",
)

# Highest first.
LEVELS = (
    "owner",
    "c_level",
    "vp",
    "head",
    "director",
    "manager",
    "senior",
    "staff",
    "assistant",
    "intern",
)

# In the order in which they are filled and shown.
ROLES = ("decision_maker", "champion", "stakeholder", "blocker", "introducer")

ROLE_LABELS = {
    "decision_maker": "decision maker",
    # From titles alone nobody is known to argue for anything.
    "champion": "potential champion",
    "stakeholder": "stakeholder",
    # Who can stop or delay it by policy or process; most of them ratify rather than oppose.
    "blocker": "blocker",
    "introducer": "introducer",
}

# Other words for a role, in small letters: understood where somebody types one, never told.
ROLE_SYNONYMS = {
    "decision maker": "decision_maker",
    "champion": "champion",
    "gatekeeper": "blocker",
}

# The values that these systems come with; whoever has others there maps ours by themselves.
# salesforce: the picklist OpportunityContactRole.Role, which has no champion: somebody who is only
# likely to argue for a product has influence, and who ratifies is an evaluator.
# hubspot: the contact property hs_buying_role, by its internal names.
# adobe: the roles that a buying group of Marketo and Journey Optimizer B2B starts with, which knows
# no blocker (somebody with influence on the decision) and no introducer (a practitioner there).
EXPORTED_ROLES = {
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

FUNCTION_WORDS = {
    "hr": "HR",
    "it": "IT",
    "revenue_operations": "revenue operations",
    "customer_success": "customer success",
    "executive": "general management",
}


def role_meant(word: str) -> str:
    """The role that is meant, by a synonym or as people read it, in whatever case.

    Any other word comes back as it is.
    """
    plain = " ".join(re.split(r"[\s_-]+", word.lower().strip()))
    roles = {label: role for role, label in ROLE_LABELS.items()} | ROLE_SYNONYMS
    return roles.get(plain, word)


def in_words(function: str) -> str:
    """A function as it is written in a sentence for people."""
    return FUNCTION_WORDS.get(function, function)
