"""Writes programs by a grammar: every one is well formed, most end well, and the rest fail as programs fail.

The productions are tables of texts (`expressions`, `statements`, `definitions`, `coroutines`). In those, `$int` stands
for any expression of that kind, `$new_int` for a new variable of that kind, `$old_int` for one that is there already,
`$name` for a name that is used nowhere else, the same one throughout a production, and a line that is `$body` for a
block. `$small` is a number from 0 to 4; what `WORDS` lists stands for one of its words.
"""

import re
from random import Random

from tests.sandbox.differential.coroutines import COROUTINES
from tests.sandbox.differential.definitions import DEFINITIONS
from tests.sandbox.differential.expressions import EXPRESSIONS
from tests.sandbox.differential.statements import STATEMENTS
from tests.sandbox.differential.words import LITERALS, MODULES, WORDS

KINDS = tuple(LITERALS)
_HOLE = re.compile(r"\$(\w+)")
_OLD = re.compile(r"\$old_(\w+)")
_SIMPLE = [text for text in STATEMENTS if "$body" not in text]
_MAX_EXPRESSION_DEPTH = 2
_MAX_BLOCK_DEPTH = 2
_ANOTHER_KIND = 0.006
"""How often an expression is of a kind that does not belong there."""

_BARE = 0.08
"""How often a failure ends the program."""
_SETTLED = 0.98
"""How often a variable that is changed is there."""


class Scope:
    """The variables that can be read, by their kinds; `own` can be assigned to."""

    def __init__(self, outer: "Scope | None" = None, own: "Scope | None" = None) -> None:
        self.own: dict[str, list[str]] = {kind: [*own.own[kind]] if own else [] for kind in KINDS}
        self._outer: dict[str, list[str]] = {kind: outer.readable(kind) if outer else [] for kind in KINDS}

    def readable(self, kind: str) -> list[str]:
        return self.own[kind] + self._outer[kind]


class Writer:
    """Writes one program."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._names = 0

    def program(self) -> str:
        """With `async def run(input_dict, tools)`; `input_dict` is not looked at."""
        top, scope = [], Scope()
        for _ in range(self._random.choice((0, 1, 1, 2))):
            top += self._guarded(self._random.choice(DEFINITIONS), scope)
        inner = Scope(outer=scope)
        body: list[str] = []
        for _ in range(self._random.randint(2, 7)):
            table = self._random.choices((None, DEFINITIONS, COROUTINES), (8, 2, 1))[0]
            text = self._random.choice(table) if table else self._statement(inner, 0)
            body += self._guarded(text, inner)
        shown = [self._random.choice(names) for kind in KINDS if (names := inner.readable(kind)) and kind != "set"]
        shown += [self.expression(self._random.choice(KINDS), inner, 0) for _ in range(2)]
        lines = [*top, "async def run(input_dict, tools):", *_indented(body), f"    return [{', '.join(shown)}]"]
        text = "\n".join(lines)
        used = [module for module in MODULES if re.search(rf"\b{module}\.", text)]
        return "\n".join([*(f"import {module}" for module in used), text, ""])

    def expression(self, kind: str, scope: Scope, depth: int) -> str:
        random = self._random
        if random.random() < _ANOTHER_KIND:
            kind = random.choice(KINDS)
        names = scope.readable(kind)
        if names and random.random() < (0.35 if depth < _MAX_EXPRESSION_DEPTH else 0.8):
            return random.choice(names)
        if depth >= _MAX_EXPRESSION_DEPTH or random.random() < 0.15:
            return self._filled(random.choice(LITERALS[kind]), scope, depth)
        return self._filled(random.choice(EXPRESSIONS[kind]), scope, depth + 1)

    def _statement(self, scope: Scope, depth: int) -> str:
        """A production; one that would change a variable makes one instead where there is none."""
        text = self._random.choice(STATEMENTS if depth < _MAX_BLOCK_DEPTH else _SIMPLE)
        missing = next((kind for kind in _OLD.findall(text) if not scope.own[kind]), None)
        return f"$new_{missing} = ${missing}" if missing and self._random.random() < _SETTLED else text

    def block(self, scope: Scope, depth: int) -> list[str]:
        """Sees all variables, and keeps its own ones to itself, since it may not be reached."""
        inner = Scope(outer=scope, own=scope)
        lines: list[str] = []
        for _ in range(self._random.randint(1, 2)):
            lines += self._production(self._statement(inner, depth), inner, depth)
        return lines

    def _guarded(self, text: str, scope: Scope) -> list[str]:
        """Mostly so that the program goes on when it fails."""
        if self._random.random() < _BARE:
            return self._production(text, scope, 0)
        fresh: list[tuple[str, str]] = []
        inner = Scope(outer=scope, own=scope)
        lines = ["try:", *_indented(self._production(text, inner, 0, fresh))]
        lines += ["except Exception as error:", "    print(type(error).__name__, error)"]
        for kind, name in fresh:
            lines.append(f"    {name} = {self._random.choice(LITERALS[kind])}")
            scope.own[kind].append(name)
        return lines

    def _production(self, text: str, scope: Scope, depth: int, made: list[tuple[str, str]] | None = None) -> list[str]:
        """`made` takes the variables that it makes."""
        names: dict[str, str] = {}
        fresh = [] if made is None else made
        lines: list[str] = []
        inside_function = "def " in text
        for line in text.strip("\n").split("\n"):
            if line.strip() == "$body":
                inner = Scope(outer=scope) if inside_function else scope
                margin = " " * (len(line) - len(line.lstrip()))
                lines += [margin + inside for inside in self.block(inner, depth + 1)]
            else:
                lines.append(self._filled(line, scope, 0, names, fresh))
        for kind, name in fresh:
            scope.own[kind].append(name)
        return lines

    def _filled(
        self,
        text: str,
        scope: Scope,
        depth: int,
        names: dict[str, str] | None = None,
        fresh: list[tuple[str, str]] | None = None,
    ) -> str:
        """`names`: those of this production so far; `fresh` takes the variables that it makes."""
        known = {} if names is None else names
        random = self._random

        def fill(match: re.Match[str]) -> str:
            hole = match[1]
            if hole in LITERALS:
                inner = self.expression(hole, scope, depth)
                return inner if inner.isidentifier() else f"({inner})"
            if hole in WORDS:
                return random.choice(WORDS[hole])
            if hole == "small":
                return str(random.randrange(5))
            before, _, kind = hole.rstrip("0123456789").partition("_")
            if before == "old":
                return random.choice(scope.own[kind]) if scope.own[kind] else self._new(kind)
            if before == "new" and fresh is not None:
                if hole not in known:
                    known[hole] = self._new(kind)
                    fresh.append((kind, known[hole]))
                return known[hole]
            if hole not in known:
                known[hole] = self._new("name")
            return known[hole]

        return _HOLE.sub(fill, text)

    def _new(self, kind: str) -> str:
        self._names += 1
        return f"{kind}_{self._names}"


def _indented(lines: list[str]) -> list[str]:
    return [f"    {line}" for line in lines]
