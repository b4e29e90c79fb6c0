"""How often each kind of reading is right, as measured; the only place where such figures stand.

Measured by `python -m bench titles --fit` on one half of the labelled titles (split by a hash of
the title, for organograms of the body); the other half gives the reliability that bench prints.
Labels of functions: O*NET occupations of six major groups, professions of British public posts
with the department heard, business titles made by hand; of levels: the last, and whether an O*NET
title stands at manager or above. A share lies between what the odd titles of O*NET and public
posts give, whose labels are coarse, and what business titles give (the bench prints all three for
each kind); a kind with few cases is drawn towards 0.7. What rests on a department is put below
what was measured (0.94 and 0.91), since posts of professions that tell no function have no label.
"""

# title: a whole title of the lexicon. general: a general manager beside whom nothing tells the
# function. phrase, word: a function of several words or one. weak: a word that any other beats.
# fork: one of several possible functions. department: the title tells none. bracket: only a
# bracket tells.
FUNCTION = {
    "title": 0.93,
    "general": 0.75,
    "phrase": 0.91,
    "word": 0.89,
    "weak": 0.77,
    "fork": 0.72,
    "department": 0.85,
    "bracket": 0.72,
    "misspelt": 0.75,
}
# What the department adds where the title tells the function: at least, at most.
AGREES = 0.88
CONTRADICTS = 0.6
LEVEL = {
    "title": 0.98,
    "word": 0.96,
    "fork": 0.9,
    "grade": 0.53,
    "bracket": 0.75,
    "like": 0.82,
    "misspelt": 0.8,
}
# What the learned tail adds to a function that only the title tells, chosen by the ESCO labels that
# were not learned beside the above. It is sure from a share of SURE on, firm from FIRM, and gives a
# function where the lexicon has none from LEAST_LIKELY on, in English from SURE on; none counts for
# more than MOST_LIKELY, since titles of business are less like occupations than those are.
SURE, FIRM = 0.95, 0.7
MOST_LIKELY = 0.85
LEAST_LIKELY = 0.57
# It knows the same function: at least, where it is sure and where not.
LIKE_IS_SURE, LIKE_AGREES = 0.95, 0.86
# Titles like it have another function, or none of ours: at most.
LIKE_DIFFERS = 0.65
LIKE_NONE = {"title": 0.85, "phrase": 0.85, "word": 0.76, "weak": 0.62}
# From this chance on titles like it lead others.
LEADS_FROM = 0.8
