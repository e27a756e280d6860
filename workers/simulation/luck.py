"""What chance brings to a simulated day: the same for the same seed, whoever planned the day."""

import math
import random
from dataclasses import dataclass

Z90 = 1.2815515655446004
"""The standard normal distribution's 90 % point."""


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

    def pick(self, about: str, among: list[str]) -> str:
        """One of `among`."""
        return self._random(about).choice(sorted(among))
