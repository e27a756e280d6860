"""What is wrong with a file, in Chinese. It is raised in English, by many; wording.toml has both sentences."""

import re
import tomllib
from functools import cache
from pathlib import Path


def in_chinese(wrong: str) -> str:
    """The Chinese sentence for an English one; empty where there is none, as for the refusals of operations."""
    for pattern, chinese in _sentences():
        if found := pattern.fullmatch(wrong):
            parts = found.groupdict()
            if "wrong" in parts:  # one sentence within another
                parts["wrong"] = in_chinese(parts["wrong"]) or parts["wrong"]
            return chinese.format(**parts)
    return ""


@cache
def _sentences() -> list[tuple[re.Pattern[str], str]]:
    """Each English sentence as a pattern and its Chinese one; what is said most exactly comes first."""
    text = (Path(__file__).parent / "wording.toml").read_text(encoding="utf-8")
    pairs = [(row["en"], row["zh"]) for row in tomllib.loads(text)["wrong"]]
    pairs.sort(key=lambda pair: -len(re.sub(r"{\w+}", "", pair[0])))
    return [(re.compile(_pattern(english), re.DOTALL), chinese) for english, chinese in pairs]


def _pattern(english: str) -> str:
    parts = re.split(r"{(\w+)}", english)  # text and names in turn
    return "".join(
        f"(?P<{part}>.+?)" if number % 2 else re.escape(part) for number, part in enumerate(parts)
    )
