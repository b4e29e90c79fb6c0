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
    "misspelt": 0.8,
}
# Beside the learned tail it is beside.csv that says how often either is right. The tail gives a
# function where it is right at least so often, and in the place of the lexicon's where it is right
# so much more often; below the least of the lexicon's, that is not believed.
LEAST_LIKELY = 0.5
# The same of titles of other languages with words that the lexicon has not; there the lexicon's
# needs as much. Where so many would stay unanswered, by five other tenths than the one held out,
# the least is enough where nothing else tells, and of the last for all.
LEAST_ABROAD = 0.66
RARELY_ANSWERED = ("de", "es", "fr", "it")
LEAST_ANSWERED = ("it",)
MARGIN = 0.15
LEAST_LEXICON = 0.45
# The same where titles like it have another function.
LEAST_AGAINST = 0.6
# The same in English, where few titles are not answered, beside words that the lexicon has not.
LEAST_STRANGE = 0.7
# Of English the lexicon knows most, and titles of business are less like occupations.
LEAST_IN_ENGLISH = 0.7
MARGIN_IN_ENGLISH = 0.3
MOST_IN_ENGLISH = 0.95
# What is kept all the same is right at least so often; whole titles that the lexicon has, of
# which 0.78 were right in O*NET and 1.0 in business (33 in the half fitted on), more often.
LEAST_KEPT = 0.6
LEAST_WHOLE = 0.75
# Other functions that titles like it have by this chance are told as what it could be.
AS_WELL = 0.3
# A share so much lower than else is told.
WORTH_TELLING = 0.05
# From a chance on, titles like it lead others, and how often that is right.
LEADS: tuple[tuple[float, float], ...] = ((0.95, 0.93), (0.85, 0.79), (0.5, 0.6))
