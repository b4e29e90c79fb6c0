"""Who takes which place of a group: pinned people, required places, further ones, needed voices."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bg_assets.domain.groups.fit import Fit, Unfit
from bg_assets.domain.groups.ties import Ties
from bg_assets.domain.products.sizes import Target
from bg_assets.domain.products.template import Template

LEAST_FIT = 0.3  # below it nobody fills a required place
LEAST_EXTRA_FIT = 0.4  # below it nobody is added beyond the required
LEAST_CONFIDENCE = 0.5  # a reading of the title more doubtful than this leaves a gap
SAME_FUNCTION = 0.7  # factor for each earlier member of the same function in one role
TIE = 0.03  # scores that differ by less of the best are as good as equal
SAME_LEVEL = 0.05  # and so are influences: cohesion never makes a manager of a director
_GIVING = ("champion", "stakeholder")  # who has such a place may decide instead, highest first
SMALL_GROUP = 5  # groups of so few need no further voices

# (deal above, US dollars; the voice; functions that have it)
VOICES = (
    (100_000, "finance", ("finance",)),
    (50_000, "technical", ("it", "engineering", "security", "data")),
    (150_000, "risk", ("legal", "compliance", "security", "procurement")),
)


@dataclass(frozen=True, slots=True)
class Choice:
    """Somebody who may be chosen. confidence: of the title, with what else tells the level.

    near: nearness.py; it counts where somebody decides. fits, refused: the roles that fit and
    those that can't be, in the template's order.
    """

    person_id: str
    function: str | None
    confidence: float
    has_email: bool
    influence: float
    fits: tuple[Fit, ...]
    refused: tuple[Unfit, ...] = ()
    near: float = 1.0

    def fit(self, role: str) -> Fit | None:
        """How this person fits a role, None if not at all."""
        for one in self.fits:
            if one.role == role:
                return one
        return None


Chosen = dict[str, tuple[str, Fit | None]]


@dataclass(frozen=True, slots=True)
class Pick:
    """Who got a place of those who were free, and what the others had against that.

    enough: the worth from which one was as good as the best. say: the influence from which one had
    as much say. among: the members to whom ties decided, empty where they did not. used: how many
    of each function had this role already.
    """

    person_id: str
    worth: float
    enough: float
    say: float
    among: tuple[str, ...]
    used: Mapping[str | None, int]


@dataclass(frozen=True, slots=True)
class Round:
    """Free places of a role being filled. least: the fit that was needed.

    before: everybody who had a place in the group by then, with the role.
    """

    role: str
    least: float
    before: Mapping[str, str]
    picks: tuple[Pick, ...]


@dataclass(slots=True)
class Selection:
    """Who was chosen, and how it came about.

    chosen: person id -> role and fit (None for a pin that fits nothing). missing_voices: those that
    the deal needs and nobody has. rounds: only those with places to fill. overtaken: who gave the
    place of a decision maker to whom, and was made a stakeholder. heard: who is there as a needed
    voice. gave_way: who lost a place to such a one, to whom, and the voice.
    """

    chosen: Chosen = field(default_factory=dict)
    missing_voices: tuple[str, ...] = ()
    rounds: list[Round] = field(default_factory=list)
    overtaken: dict[str, str] = field(default_factory=dict)
    heard: dict[str, str] = field(default_factory=dict)
    gave_way: dict[str, tuple[str, str]] = field(default_factory=dict)


def select(
    choices: Mapping[str, Choice],
    template: Template,
    target: Target,
    required: Mapping[str, int],
    pins: Mapping[str, str | None],
    ties: Ties,
) -> Selection:
    """Choose. Pins come first, then the required places of every role, then the further ones.

    Both go in the template's order of roles. Nobody is added to reach a number.
    """
    made = Selection()
    chosen = made.chosen
    for person_id, role in sorted(pins.items()):
        if person_id in choices:
            choice = choices[person_id]
            as_role = role or _best_role(choice, template)
            chosen[person_id] = (as_role, choice.fit(as_role))
    able = {i: choice for i, choice in choices.items() if choice.fits or i in chosen}
    for rule in template.roles:
        _fill(rule.role, required[rule.role], LEAST_FIT, able, made, ties)
    for rule in template.roles:
        _fill(rule.role, target.of(rule.role), LEAST_EXTRA_FIT, able, made, ties)
    _into_free_places(able, target, required, pins, made, ties)
    _by_authority(choices, pins, made)
    _voices(choices, template, target, required, pins, made)
    return made


def _by_authority(
    choices: Mapping[str, Choice], pins: Mapping[str, str | None], made: Selection
) -> None:
    """Change places where somebody decides as well as a decision maker and has more say.

    So does a stakeholder with more influence, and a champion who is the better decision maker: the
    required places of champions are filled before the further ones of decision makers. A second
    head of the company adds less than whoever heads the function, and who only stands in for the
    head of the function less than who heads the company.
    """
    chosen = made.chosen
    makers = [
        (order(choices[i], fit, {}), i, fit)
        for i in _holders(chosen, "decision_maker") - pins.keys()
        if (fit := choices[i].fit("decision_maker")) is not None
    ]
    # Of several who could give way the weakest does.
    for _, maker, fit in sorted(makers, key=lambda one: one[0], reverse=True):
        used = Counter(choices[i].function for i in _holders(chosen, "decision_maker") - {maker})
        better = [
            (order(choices[i], own, used), i, own, role, instead)
            for i, (role, _) in chosen.items()
            if role in _GIVING
            and i not in pins
            and (own := choices[i].fit("decision_maker")) is not None
            and (instead := choices[maker].fit(role)) is not None
            and _decides_better(choices[i], own, choices[maker], fit, role, used)
        ]
        if better:
            _, other, own, role, instead = min(better, key=lambda option: option[0])
            chosen[maker], chosen[other] = (role, instead), ("decision_maker", own)
            made.overtaken[maker] = other


def _decides_better(
    other: Choice, own: Fit, maker: Choice, fit: Fit, role: str, used: Counter[str | None]
) -> bool:
    heads = own.function == "executive" and own.score >= LEAST_EXTRA_FIT
    if used[maker.function] and (fit.function == "executive" or heads):
        return worth(other, own, used) * (1 - TIE) > worth(maker, fit, used)
    if own.score < fit.score:
        return False
    if role == "champion":
        return strength(other, own) * (1 - TIE) > strength(maker, fit)
    return other.influence > maker.influence


def _into_free_places(
    choices: Mapping[str, Choice],
    target: Target,
    required: Mapping[str, int],
    pins: Mapping[str, str | None],
    made: Selection,
    ties: Ties,
) -> None:
    """Let members decide while nobody else could, and others take the places they had.

    Whoever heads a function may have been needed first to fill a required place of another role.
    """
    chosen = made.chosen
    while len(_holders(chosen, "decision_maker")) < target.of("decision_maker"):
        used = Counter(choices[i].function for i in _holders(chosen, "decision_maker"))
        able = [
            (choices[i], fit, role)
            for i, (role, _) in chosen.items()
            if role in _GIVING
            and i not in pins
            and (fit := usable(choices[i], "decision_maker", LEAST_EXTRA_FIT)) is not None
            and _can_spare(role, choices, required, chosen)
        ]
        if not able:
            return
        choice, fit, role = min(able, key=lambda option: order(option[0], option[1], used))
        chosen[choice.person_id] = ("decision_maker", fit)
        # The place left is filled anew, and those below it: a stakeholder may become the champion.
        again = _GIVING[_GIVING.index(role) :]
        for one, (held, _) in list(chosen.items()):
            if held in again[1:] and one not in pins:
                del chosen[one]
        for each in again:
            _fill(each, required[each], LEAST_FIT, choices, made, ties)
        for each in again:
            _fill(each, target.of(each), LEAST_EXTRA_FIT, choices, made, ties)


def _can_spare(
    role: str, choices: Mapping[str, Choice], required: Mapping[str, int], chosen: Chosen
) -> bool:
    """Whether a complete group stays one if somebody of this role gets another."""
    return len(_holders(chosen, role)) > required[role] or any(
        i not in chosen and usable(choice, role, LEAST_EXTRA_FIT) for i, choice in choices.items()
    )


def _holders(chosen: Chosen, role: str) -> frozenset[str]:
    return frozenset(i for i, (own, _) in chosen.items() if own == role)


def _best_role(choice: Choice, template: Template) -> str:
    if choice.fits:
        return max(choice.fits, key=lambda f: f.score).role
    roles = [rule.role for rule in template.roles]
    return "stakeholder" if "stakeholder" in roles else roles[-1]


def _fill(
    role: str,
    wanted: int,
    least: float,
    choices: Mapping[str, Choice],
    made: Selection,
    ties: Ties,
) -> None:
    chosen = made.chosen
    taken = [i for i, (r, _) in chosen.items() if r == role]
    missing = wanted - len(taken)
    if missing <= 0:
        return
    before = {i: r for i, (r, _) in chosen.items()}
    free = [
        (choice, fit)
        for i, choice in choices.items()
        if i not in chosen and (fit := usable(choice, role, least)) is not None
    ]
    used = Counter(choices[i].function for i in taken)
    picks: list[Pick] = []
    while missing > 0 and free:
        choice, fit, pick = _next(free, used, chosen, ties)
        free = [option for option in free if option[0] is not choice]
        chosen[choice.person_id] = (role, fit)
        picks.append(pick)
        used[choice.function] += 1
        missing -= 1
    made.rounds.append(Round(role, least, before, tuple(picks)))


def strength(choice: Choice, fit: Fit) -> float:
    """By what people are compared for a place, 0 to 1: fit times confidence."""
    return round(fit.score * choice.confidence * _near(choice, fit), 4)


def _near(choice: Choice, fit: Fit) -> float:
    return choice.near if fit.role == "decision_maker" else 1.0


def usable(choice: Choice, role: str, least: float) -> Fit | None:
    """How somebody fits a role, None where the title is too doubtful or the fit below least."""
    if choice.confidence < LEAST_CONFIDENCE:
        return None
    fit = choice.fit(role)
    return fit if fit is not None and fit.score >= least else None


def _next(
    free: Sequence[tuple[Choice, Fit]],
    used: Mapping[str | None, int],
    chosen: Chosen,
    ties: Ties,
) -> tuple[Choice, Fit, Pick]:
    """The best of those who are free; of those about as good, who is best linked to the group."""
    scores = [worth(choice, fit, used) for choice, fit in free]
    enough = max(scores) * (1 - TIE)
    good = [option for option, score in zip(free, scores, strict=True) if score >= enough]
    best = min(good, key=lambda option: order(option[0], option[1], used))
    say = best[0].influence - SAME_LEVEL
    near = [option for option in good if option[0].influence >= say]
    among = tuple(sorted(chosen)) if len(near) > 1 else ()
    if among:
        places = [ties.place(i) for i in among]
        best = min(
            near,
            key=lambda option: (
                -linked(ties, option[0].person_id, places),
                order(option[0], option[1], used),
            ),
        )
    choice, fit = best
    own = worth(choice, fit, used)
    return choice, fit, Pick(choice.person_id, own, enough, say, among, dict(used))


def worth(choice: Choice, fit: Fit, used: Mapping[str | None, int]) -> float:
    """By what people are compared for a place: ``strength``, less where the function is there."""
    share = SAME_FUNCTION ** used.get(choice.function, 0)
    return float(fit.score * choice.confidence * _near(choice, fit) * share)


def linked(ties: Ties, person_id: str, places: Sequence[int]) -> float:
    """The expected number of ties that somebody has with the people at these places."""
    own = ties.place(person_id)
    return round(sum(ties.between(own, other) for other in places), 6)


def order(
    choice: Choice, fit: Fit, used: Mapping[str | None, int]
) -> tuple[float, float, bool, str]:
    """Whose turn it is of those who are about as good: worth, influence, an e-mail, the id."""
    return (
        -round(worth(choice, fit, used), 6),
        -choice.influence,
        not choice.has_email,
        choice.person_id,
    )


def _voices(
    choices: Mapping[str, Choice],
    template: Template,
    target: Target,
    required: Mapping[str, int],
    pins: Mapping[str, str | None],
    made: Selection,
) -> None:
    """Give a large deal the voices it needs, in place of the weakest further member if need be."""
    if target.total <= SMALL_GROUP:
        return
    chosen = made.chosen
    missing: list[str] = []
    for above, voice, functions in VOICES:
        weighted = any(template.weight(f) for f in functions)
        if template.deal_dollars <= above or not weighted:
            continue
        if any(choices[i].function in functions for i in chosen):
            continue
        speakers = [
            (choice, fit)
            for i, choice in choices.items()
            if i not in chosen and choice.function in functions
            for role in ("stakeholder", "blocker")
            if target.of(role) and (fit := usable(choice, role, LEAST_FIT)) is not None
        ]
        place = _place(target, required, pins, chosen)
        if not speakers or place is None:
            missing.append(voice)
            continue
        choice, fit = min(speakers, key=lambda o: (*order(o[0], o[1], {}), o[1].role))
        if place:
            del chosen[place]
            made.gave_way[place] = choice.person_id, voice
        chosen[choice.person_id] = (fit.role, fit)
        made.heard[choice.person_id] = voice
    made.missing_voices = tuple(missing)


def _place(
    target: Target, required: Mapping[str, int], pins: Mapping[str, str | None], chosen: Chosen
) -> str | None:
    """Whose place a needed voice takes: nobody's (empty) while there is room, None if no one's."""
    if len(chosen) < target.total:
        return ""
    counts = Counter(role for role, _ in chosen.values())
    weakest = [
        (fit.score if fit else 0.0, i)
        for i, (role, fit) in chosen.items()
        if role == "stakeholder" and i not in pins and counts[role] > required.get(role, 0)
    ]
    return min(weakest)[1] if weakest else None
