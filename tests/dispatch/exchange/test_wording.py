"""Every sentence that says what is wrong with a file is there in Chinese too."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import dispatch.exchange
from dispatch.exchange.wording import in_chinese

FOLDER = Path(dispatch.exchange.__file__).parent
ELSEWHERE = {"folder.py"}
"""A folder that is loaded ends with its first mistake, by an error of its own."""


def sentences() -> Iterator[tuple[str, str]]:
    """(place, sentence) of all that is raised, with X for what differs."""
    for path in sorted(FOLDER.glob("*.py")):
        if path.name in ELSEWHERE:
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for call in ast.walk(tree):
            if isinstance(call, ast.Call) and _name(call.func) in {"wrong", "refuse"}:
                said = [text for argument in call.args if " " in (text := _text(argument))]
                yield from ((f"{path.name}:{call.lineno}", text) for text in said)


def _name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else ""


def _text(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(
            part.value if isinstance(part, ast.Constant) else "X" for part in node.values
        )
    return ""


def test_every_sentence_of_an_import_has_its_chinese() -> None:
    found = list(sentences())
    of_operations = "X [X]"  # a refusal with its code, in the words of whoever refused
    missing = [one for one in found if one[1] != of_operations and not in_chinese(one[1])]

    assert len(found) > 40
    assert missing == []


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ("it is empty.", "内容为空。"),
        ("'E' is not one of A, B, C, D.", "'E' 不是以下之一：A, B, C, D。"),
        ("N1 is not known.", "没有 N1。"),
        (
            "N1 is not known, nor a good row of this import.",
            "没有 N1，本次导入的有效行中也没有。",
        ),
        ("row 1, the header: it is the error #N/A: correct the formula, or write the value.",
         "第 1 行（表头）：单元格是错误值 #N/A：请改正公式，或直接填写内容。"),
        ("'{wrong}' is no whole number.", "'{wrong}' 不是整数。"),
        ("Something that an operation said. [crew_busy]", ""),
    ],
)  # fmt: skip
def test_a_sentence_and_what_differs_in_it(english: str, chinese: str) -> None:
    assert in_chinese(english) == chinese
