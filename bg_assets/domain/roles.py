"""What the roles of a buyer group are called when people read them."""

ROLE_LABELS = {
    "decision_maker": "decision maker",
    # From titles alone nobody is known to argue for anything.
    "champion": "potential champion",
    "stakeholder": "stakeholder",
    # Most of them ratify rather than oppose.
    "blocker": "gatekeeper",
    "introducer": "introducer",
}
