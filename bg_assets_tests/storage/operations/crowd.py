"""Many processes that ask one provider at the same moment.

The provider writes a line into a file for each call it gets, and fails while a file is there. One
process imports everything and is forked, which is faster than as many starts.
"""

import json
import os
import random
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bg_assets.domain.enrichment.asking import (
    Answer,
    CompanyAsked,
    Failure,
    FoundPerson,
    Kind,
    PersonAsked,
    Question,
    TemporaryFailure,
)
from bg_assets.domain.enrichment.policy import Policy
from bg_assets.storage import database
from bg_assets.storage.operations import answering

END = "end\n"


@dataclass(frozen=True)
class Plan:
    """What the crowd does. ``each`` questions by each of ``size`` processes, the same ones or own.

    Prices and caps are US dollars, the rest is seconds. ``dies``: the process that gets a call is
    killed in the middle of it; ``wild``: one in eight is, one in four fails.
    """

    url: str
    folder: str
    size: int = 16
    each: int = 1
    same: bool = False
    price: str = "0"
    daily: str = "1000"
    takes: float = 0.05
    margin: float = 15.0
    opens_for: float = 30.0
    tries: int = 1
    dies: bool = False
    wild: bool = False


@dataclass
class Filed:
    """Answers, having written into a file that it was asked; fails while ``down`` is there."""

    plan: Plan
    name: str = "pdl"

    def price(self, question: Question) -> Decimal | None:
        return Decimal(self.plan.price)

    def _note(self, what: str, who: str) -> None:
        with (Path(self.plan.folder) / what).open("a") as file:
            file.write(f"{who} {time.monotonic()}\n")

    def ask(self, question: Question, seconds: float) -> Answer:
        folder = Path(self.plan.folder)
        assert question.person is not None
        self._note("calls", question.person.id)
        dice = random.SystemRandom().random() if self.plan.wild else 1.0
        time.sleep(self.plan.takes)
        if self.plan.dies or dice < 1 / 8:
            os.kill(os.getpid(), 9)
        self._note("ends", question.person.id)
        if (folder / "down").exists() or dice < 3 / 8:
            raise TemporaryFailure("down", billed=Decimal(self.plan.price))
        return Answer((FoundPerson(key=question.person.id),), cost=Decimal(self.plan.price))


class Crowds:
    """Starts crowds, from one process that has everything imported."""

    def __init__(self) -> None:
        self._mother = subprocess.Popen(
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def go(self, plan: Plan) -> list[dict[str, Any]]:
        """Run the plan: for each question that was answered or refused, by whom and how."""
        assert self._mother.stdin is not None
        assert self._mother.stdout is not None
        self._mother.stdin.write(json.dumps(asdict(plan)) + "\n")
        self._mother.stdin.flush()
        lines = [json.loads(line) for line in iter(self._mother.stdout.readline, END)]
        assert [line for line in lines if "ended" in line] == []
        return lines

    def close(self) -> None:
        """End the process that starts them."""
        self._mother.communicate(timeout=30)


def noted(plan: Plan, what: str) -> list[tuple[str, float]]:
    """The people that were asked about, and when a call began ("calls") or ended ("ends")."""
    lines = (Path(plan.folder) / what).read_text().splitlines()
    return [(who, float(at)) for who, at in (line.split() for line in lines)]


def calls(plan: Plan) -> int:
    """How many calls the provider has got."""
    file = Path(plan.folder) / "calls"
    return file.read_text().count("\n") if file.exists() else 0


def _work(engine: sa.Engine, plan: Plan, number: int) -> None:
    policy = Policy(
        daily={"": Decimal(plan.daily)},
        patience=20,
        margin=plan.margin,
        seconds=1,
        opens_for=plan.opens_for,
        tries=plan.tries,
    )
    for turn in range(plan.each):
        who = f"p{turn}" if plan.same else f"p{number}-{turn}"
        question = Question(Kind.PERSON, CompanyAsked("acme", "Acme"), PersonAsked(who))
        try:
            told = answering.answer(engine, Filed(plan), question, policy)
            keys = [person.key for person in told.answer.people]
            said: dict[str, Any] = {"cached": told.cached, "right": keys == [who]}
        except Failure as err:
            said = {"failure": type(err).__name__, "error": str(err)}
        os.write(1, (json.dumps({"by": number, **said}) + "\n").encode())


def _crowd(plan: Plan) -> None:
    """Fork, let all begin at once, wait for all."""
    gate, opener = os.pipe()
    children = []
    for number in range(plan.size):
        child = os.fork()
        if child == 0:
            engine = database.make_engine(plan.url, pool_size=1)
            with database.connect(engine) as conn:
                answering.CLOCK.now(conn)
            # The gate opens once all have come so far.
            os.close(opener)
            os.read(gate, 1)
            _work(engine, plan, number)
            os._exit(0)
        children.append(child)
    os.close(opener)
    os.close(gate)
    for child in children:
        _, ended = os.waitpid(child, 0)
        if ended and not (plan.dies or plan.wild):
            os.write(1, (json.dumps({"ended": ended}) + "\n").encode())
    os.write(1, END.encode())


def main() -> None:
    """Run each plan that comes in on a line."""
    # Loads the driver, which each process would else do by itself.
    database.make_engine("postgresql+psycopg2://localhost/none")
    for line in sys.stdin:
        _crowd(Plan(**json.loads(line)))


if __name__ == "__main__":
    main()
