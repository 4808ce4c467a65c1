"""Why a reply holds no program, in one line for the record."""

from __future__ import annotations

import re

from pytest_dualcode.extraction import statements
from pytest_dualcode.extraction.chunks import parse, split_chunks
from pytest_dualcode.extraction.fences import split_fences
from pytest_dualcode.extraction.thinking import split_thinking
from pytest_dualcode.types import Spec


def why_nothing(reply: str, spec: Spec) -> str:
    """Return the most telling reason why no program was found in `reply`."""
    name = spec.entry_point
    thinking = split_thinking(reply)
    answer = thinking.answer if thinking.answer.strip() else thinking.unclosed
    if not reply.strip():
        return "the reply is empty"
    if not answer.strip():
        return "the reply is only <think> text"
    if not re.search(rf"\bdef\s+{re.escape(name)}\b", answer):
        return _without_definition(answer, name)
    if not re.search(rf"^[ \t]*(?:async\s+)?def\s+{re.escape(name)}\b", answer, re.MULTILINE):
        return f"the definition of {name} is not at the start of a line"
    if not re.search(rf"^(?:async\s+)?def\s+{re.escape(name)}\b", answer, re.MULTILINE):
        return f"{name} is defined only inside a class or another function"
    return _broken_definition(answer, name)


def _without_definition(answer: str, name: str) -> str:
    others = sorted(set(re.findall(r"^[ \t]*(?:async\s+)?def\s+(\w+)", answer, re.MULTILINE)))
    if others:
        return f"no definition of {name}, only of {', '.join(others[:5])}"
    blocks = [b for b in split_fences(answer, trust_strings=False) if b.fenced]
    if any(not b.is_python for b in blocks) and not any(b.is_python for b in blocks):
        return f"no definition of {name}: the code is in {blocks[-1].language}"
    return f"no definition of {name} and no body that returns"


def _broken_definition(answer: str, name: str) -> str:
    for block in reversed(split_fences(answer, trust_strings=False)):
        for chunk in reversed(split_chunks(block.text)):
            if chunk.is_definition and name in chunk.words:
                return _why_broken(chunk.text, name)
    return f"the definition of {name} is not at the start of a line"


def _why_broken(text: str, name: str) -> str:
    tree = parse(text)
    if tree is not None:
        node = statements.definition_of(tree, name)
        stub = node is not None and statements.is_stub(node)
        return f"the body of {name} is empty" if stub else f"{name} does not compile"
    try:
        compile(text, "<reply>", "exec", dont_inherit=True)
    except SyntaxError as error:
        return f"the definition of {name} does not parse: {error.msg}"
    except (ValueError, RecursionError, MemoryError) as error:
        return f"the definition of {name} does not parse: {type(error).__name__}"
    return f"{name} does not compile"
