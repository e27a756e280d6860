"""Every hint of optimizer and planning has its Chinese words."""

import ast
import inspect
import re
from pathlib import Path

import pytest

from api.hints import in_chinese
from dispatch.planning.demand import REASONS
from optimizer import reasons


def hints_in_the_code() -> list[str]:
    """Each sentence that optimizer.reasons returns, its values replaced by 7."""
    tree = ast.parse(Path(inspect.getfile(reasons)).read_text())
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Return) or not isinstance(
            node.value, ast.JoinedStr | ast.Constant
        ):
            continue
        parts = node.value.values if isinstance(node.value, ast.JoinedStr) else [node.value]
        text = "".join(str(part.value) if isinstance(part, ast.Constant) else "7" for part in parts)
        if text.endswith("."):
            found.append(text)
    return found


def test_the_optimizers_sentences_are_found() -> None:
    assert len(hints_in_the_code()) >= 14


@pytest.mark.parametrize(
    "hint", [*hints_in_the_code(), *(text.format(detail="7") for text in REASONS.values())]
)
def test_a_hint_has_its_chinese_words_and_keeps_its_figures(hint: str) -> None:
    said = in_chinese(hint)

    assert not re.search(r"[a-z]{3}", said), said
    assert said.count("7") == hint.count("7")


def test_a_hint_of_another_shape_stays_as_it_is() -> None:
    assert in_chinese("Ask the control room.") == "Ask the control room."
