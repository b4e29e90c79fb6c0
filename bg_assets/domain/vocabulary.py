"""The closed word lists of the domain: functions, levels and roles, each in its order of rank."""

from typing import Final

FUNCTIONS: Final = (
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
LEVELS: Final = (
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
ROLES: Final = ("decision_maker", "champion", "stakeholder", "blocker", "introducer")

FUNCTION_WORDS: Final = {
    "hr": "HR",
    "it": "IT",
    "revenue_operations": "revenue operations",
    "customer_success": "customer success",
    "executive": "general management",
}


def in_words(function: str) -> str:
    """A function as it is written in a sentence for people."""
    return FUNCTION_WORDS.get(function, function)
