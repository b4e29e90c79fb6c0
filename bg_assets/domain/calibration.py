"""How often each kind of reading is right, as measured; the only place where such figures stand."""

from typing import Final

# Placeholders until bench/titles has measured them.
FUNCTION: Final = {
    "title": 0.95,
    "phrase": 0.93,
    "word": 0.88,
    "weak": 0.75,
    "fork": 0.6,
    "department": 0.7,
    "bracket": 0.75,
}
LEVEL: Final = {
    "title": 0.95,
    "word": 0.93,
    "fork": 0.7,
    "grade": 0.7,
    "bracket": 0.75,
}
AGREES: Final = 0.5  # of the doubt that is left, when the department says the same
CONTRADICTS: Final = 0.7
