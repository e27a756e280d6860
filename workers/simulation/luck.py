"""What chance brings to a simulated day: the same for the same seed, whoever planned the day."""

import math
import random
from dataclasses import dataclass
from datetime import timedelta

Z90 = 1.2815515655446004
"""The standard normal distribution's 90 % point."""

ANSWERING = 0.6
"""The share of those asked who answer."""
SCORES = {5: 62, 4: 28, 3: 6, 2: 3, 1: 1}
"""Of a hundred visits that came in time and were done at once, so many are given each score."""
HALF_AN_HOUR = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Luck:
    """Draws that depend on the seed and on what they are about, never on the order of asking."""

    seed: int

    def _random(self, about: str) -> random.Random:
        return random.Random(f"{self.seed}:{about}")  # noqa: S311 - a simulation

    def service_seconds(self, visit_id: str, *, p50_s: float, p90_s: float) -> float:
        """How long the work takes: log-normal through the work type's 50 % and 90 % points, seconds."""
        sigma = math.log(max(p90_s, p50_s * 1.01) / p50_s) / Z90
        return p50_s * math.exp(self._random(f"service:{visit_id}").gauss(0, 1) * sigma)

    def travel_factor(self, visit_id: str) -> float:
        """How the drive compares with the estimate: 0.85 to 1.25 times."""
        return self._random(f"travel:{visit_id}").uniform(0.85, 1.25)

    def nobody_home(self, visit_id: str) -> bool:
        """Whether nobody opens: 2 of 100."""
        return self._random(f"home:{visit_id}").random() < 0.02

    def answers_after(self, visit_id: str) -> timedelta | None:
        """How long a customer who is asked about the visit takes to answer; None for who never does, 4 of 10."""
        drawn = self._random(f"answers:{visit_id}")
        if drawn.random() >= ANSWERING:
            return None
        return timedelta(minutes=drawn.uniform(2, 60))

    def opinion(self, visit_id: str, *, late: timedelta, came_before: bool) -> tuple[int, bool]:
        """The score from 1 to 5 and whether the matter is solved.

        Most give 5 or 4 to a visit that went well. Each begun half hour that the crew was `late` costs a point, and
        so does having come before (`came_before`) and not done it.
        """
        drawn = self._random(f"opinion:{visit_id}")
        (liked,) = drawn.choices(tuple(SCORES), weights=tuple(SCORES.values()))
        lost = math.ceil(late / HALF_AN_HOUR) + int(came_before)
        score = max(1, liked - lost)
        return score, drawn.random() < (0.97 if score > 2 else 0.6)

    def pick(self, about: str, among: list[str]) -> str:
        """One of `among`."""
        return self._random(about).choice(sorted(among))
