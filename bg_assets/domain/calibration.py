"""How often each kind of reading is right, as measured; the only place where such figures stand.

Measured by `python -m bench titles --fit` on one half of the labelled titles (split by a hash of
the title, for organograms of the body); the other half gives the reliability that bench prints.
Labels: O*NET occupations of six major groups and, with the department heard, the professions of
British public posts for the function; hand-made titles for both fields; for the level of O*NET
titles only whether it stands at manager or above. A kind with fewer than 30 cases is drawn towards
0.7 by ten cases of it. What rests on a department is put below what was measured (0.94 and 0.91),
since posts of professions that tell no function have no label.
"""

from typing import Final

# title: a whole title of the lexicon. general: a general manager, of whom nothing beside tells the
# function. phrase, word: a function of several words or one. weak: a
# word that any other beats. fork: one of several possible functions. department: the title tells
# none. bracket: only a bracket tells.
FUNCTION: Final = {
    "title": 0.89,
    "general": 0.71,
    "phrase": 0.85,
    "word": 0.83,
    "weak": 0.76,
    "fork": 0.65,
    "department": 0.85,
    "bracket": 0.72,
}
# What the department adds where the title tells the function: at least, at most.
AGREES: Final = 0.86
CONTRADICTS: Final = 0.6
LEVEL: Final = {
    "title": 0.96,
    "word": 0.92,
    "fork": 0.86,
    "grade": 0.53,
    "bracket": 0.75,
}
