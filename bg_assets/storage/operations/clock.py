"""What a question takes its times from: the server's clock for all that processes share."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from bg_assets.storage import claims


@dataclass(frozen=True, slots=True)
class Clock:
    """``now`` asks the database; ``monotonic`` and ``sleep`` are this process's, in seconds.

    ``chance`` gives a number from 0 to 1, by which waits differ.
    """

    now: Callable[[sa.Connection], datetime] = claims.database_now
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    chance: Callable[[], float] = random.random
