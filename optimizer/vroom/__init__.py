"""VROOM's JSON, in and out: vehicles and jobs become shifts and visits, and back.

Written from VROOM's published API description (version 1.15, `docs/API.md` of VROOM-Project/vroom). What one of the
two formats cannot say is refused with a ProblemError that names the path of the key; nothing is dropped in silence.
"""

from optimizer.vroom.answer import plan_to_vroom
from optimizer.vroom.reading import problem_from_vroom
from optimizer.vroom.writing import problem_to_vroom

__all__ = ["plan_to_vroom", "problem_from_vroom", "problem_to_vroom"]
