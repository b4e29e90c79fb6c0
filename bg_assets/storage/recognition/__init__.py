"""How a row or an event finds its person and company where it has no id of ours."""
