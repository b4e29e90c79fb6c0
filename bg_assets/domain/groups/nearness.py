"""Of those who could decide for a function, who stands nearest to the top."""

from collections.abc import Mapping
from dataclasses import replace

from bg_assets.domain.groups.lines import Lines
from bg_assets.domain.groups.selection import Choice

# Factor for each step that somebody stands below the highest of those who could decide for the same
# function, and for an unknown distance. Chosen on British public bodies of 2011 (python -m bench
# groups): from 0.95 to 0.85 the heads of a function are found equally often, and fewer others.
STEP = 0.9
UNPLACED = 0.95
FURTHEST = 3  # further steps below count as so many


def nearest_first(choices: dict[str, Choice], placed: Lines) -> dict[str, Choice]:
    """The choices, each with how near it stands to the highest who decides for its function."""
    if not placed.known:
        return choices
    deciding = {
        person_id: choice
        for person_id, choice in choices.items()
        if choice.function and choice.fit("decision_maker") is not None
    }
    nearest = _nearest(deciding, placed)
    for person_id, choice in deciding.items():
        top = nearest.get(choice.function)
        if top is None:
            continue
        steps = placed.of(person_id).steps
        near = UNPLACED if steps is None else STEP ** min(FURTHEST, steps - top)
        if near < 1:
            choices[person_id] = replace(choice, near=near)
    return choices


def _nearest(deciding: Mapping[str, Choice], placed: Lines) -> dict[str | None, int]:
    """The fewest steps below the top, by function."""
    nearest: dict[str | None, int] = {}
    for person_id, choice in deciding.items():
        steps = placed.of(person_id).steps
        if steps is not None:
            nearest[choice.function] = min(steps, nearest.get(choice.function, steps))
    return nearest
