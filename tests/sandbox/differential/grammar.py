"""Generates programs from a grammar. All of them are well formed. Most succeed, and the others fail like real programs.

The productions are tables of strings (`expressions`, `statements`, `definitions`, `coroutines`) with placeholders:

- `$int` is replaced by any expression of that kind, `$new_int` by a new variable of that kind, and `$old_int` by an
  existing variable.
- `$name` is replaced by a name that is used nowhere else, and that is the same throughout a production.
- A line `$body` is replaced by a block.
- `$small` is replaced by a number from 0 to 4.
- A key of `WORDS` is replaced by one of its words.
"""

import re
from random import Random

from tests.sandbox.differential.coroutines import COROUTINES
from tests.sandbox.differential.definitions import DEFINITIONS
from tests.sandbox.differential.expressions import EXPRESSIONS
from tests.sandbox.differential.statements import STATEMENTS
from tests.sandbox.differential.words import LITERALS, MODULES, WORDS

KINDS = tuple(LITERALS)
_PLACEHOLDER = re.compile(r"\$(\w+)")
_OLD_VARIABLE = re.compile(r"\$old_(\w+)")
_SIMPLE_STATEMENTS = [text for text in STATEMENTS if "$body" not in text]
_MAX_EXPRESSION_DEPTH = 2
_MAX_BLOCK_DEPTH = 2
_WRONG_KIND_PROBABILITY = 0.006
"""The probability that an expression has a wrong kind."""

_UNGUARDED_PROBABILITY = 0.08
"""The probability that a production is not guarded, so a failure ends the program."""
_DEFINITION_PROBABILITY = 0.98
"""The probability that a missing variable is defined in place of a production that would change it."""


class Scope:
    """The readable variables, by kind. Those in `assignable` can also be assigned to."""

    def __init__(self, outer: "Scope | None" = None, parent: "Scope | None" = None) -> None:
        self.assignable: dict[str, list[str]] = {kind: [*parent.assignable[kind]] if parent else [] for kind in KINDS}
        self._outer: dict[str, list[str]] = {kind: outer.readable(kind) if outer else [] for kind in KINDS}

    def readable(self, kind: str) -> list[str]:
        return self.assignable[kind] + self._outer[kind]


class Writer:
    """Generates one program."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._names = 0

    def program(self) -> str:
        """Returns a program that defines `async def run(input_dict, tools)` and ignores `input_dict`."""
        top, scope = [], Scope()
        for _ in range(self._random.choice((0, 1, 1, 2))):
            top += self._guard(self._random.choice(DEFINITIONS), scope)
        inner = Scope(outer=scope)
        body: list[str] = []
        for _ in range(self._random.randint(2, 7)):
            table = self._random.choices((None, DEFINITIONS, COROUTINES), (8, 2, 1))[0]
            text = self._random.choice(table) if table else self._statement(inner, 0)
            body += self._guard(text, inner)
        results = [self._random.choice(names) for kind in KINDS if (names := inner.readable(kind)) and kind != "set"]
        results += [self.expression(self._random.choice(KINDS), inner, 0) for _ in range(2)]
        lines = [*top, "async def run(input_dict, tools):", *_indent(body), f"    return [{', '.join(results)}]"]
        text = "\n".join(lines)
        used = [module for module in MODULES if re.search(rf"\b{module}\.", text)]
        return "\n".join([*(f"import {module}" for module in used), text, ""])

    def expression(self, kind: str, scope: Scope, depth: int) -> str:
        random = self._random
        if random.random() < _WRONG_KIND_PROBABILITY:
            kind = random.choice(KINDS)
        names = scope.readable(kind)
        if names and random.random() < (0.35 if depth < _MAX_EXPRESSION_DEPTH else 0.8):
            return random.choice(names)
        if depth >= _MAX_EXPRESSION_DEPTH or random.random() < 0.15:
            return self._fill(random.choice(LITERALS[kind]), scope, depth)
        return self._fill(random.choice(EXPRESSIONS[kind]), scope, depth + 1)

    def _statement(self, scope: Scope, depth: int) -> str:
        """Returns a production. If it would change a missing variable, it usually defines the variable instead."""
        text = self._random.choice(STATEMENTS if depth < _MAX_BLOCK_DEPTH else _SIMPLE_STATEMENTS)
        missing = next((kind for kind in _OLD_VARIABLE.findall(text) if not scope.assignable[kind]), None)
        return f"$new_{missing} = ${missing}" if missing and self._random.random() < _DEFINITION_PROBABILITY else text

    def block(self, scope: Scope, depth: int) -> list[str]:
        """Returns a block. It can read all variables. Its own variables are local, as it may not be executed."""
        inner = Scope(outer=scope, parent=scope)
        lines: list[str] = []
        for _ in range(self._random.randint(1, 2)):
            lines += self._production(self._statement(inner, depth), inner, depth)
        return lines

    def _guard(self, text: str, scope: Scope) -> list[str]:
        """Returns a production that usually catches its errors, so the program continues."""
        if self._random.random() < _UNGUARDED_PROBABILITY:
            return self._production(text, scope, 0)
        fresh: list[tuple[str, str]] = []
        inner = Scope(outer=scope, parent=scope)
        lines = ["try:", *_indent(self._production(text, inner, 0, fresh))]
        lines += ["except Exception as error:", "    print(type(error).__name__, error)"]
        for kind, name in fresh:
            lines.append(f"    {name} = {self._random.choice(LITERALS[kind])}")
            scope.assignable[kind].append(name)
        return lines

    def _production(
        self, text: str, scope: Scope, depth: int, created: list[tuple[str, str]] | None = None
    ) -> list[str]:
        """Fills in a production, and appends its new variables to `created`."""
        names: dict[str, str] = {}
        fresh = [] if created is None else created
        lines: list[str] = []
        inside_function = "def " in text
        for line in text.strip("\n").split("\n"):
            if line.strip() == "$body":
                inner = Scope(outer=scope) if inside_function else scope
                margin = " " * (len(line) - len(line.lstrip()))
                lines += [margin + block_line for block_line in self.block(inner, depth + 1)]
            else:
                lines.append(self._fill(line, scope, 0, names, fresh))
        for kind, name in fresh:
            scope.assignable[kind].append(name)
        return lines

    def _fill(
        self,
        text: str,
        scope: Scope,
        depth: int,
        names: dict[str, str] | None = None,
        fresh: list[tuple[str, str]] | None = None,
    ) -> str:
        """Replaces the placeholders in `text`. Adds the production's names to `names`, and new variables to `fresh`."""
        known = {} if names is None else names
        random = self._random

        def fill(match: re.Match[str]) -> str:
            placeholder = match[1]
            if placeholder in LITERALS:
                inner = self.expression(placeholder, scope, depth)
                return inner if inner.isidentifier() else f"({inner})"
            if placeholder in WORDS:
                return random.choice(WORDS[placeholder])
            if placeholder == "small":
                return str(random.randrange(5))
            before, _, kind = placeholder.rstrip("0123456789").partition("_")
            if before == "old":
                return random.choice(scope.assignable[kind]) if scope.assignable[kind] else self._make_name(kind)
            if before == "new" and fresh is not None:
                if placeholder not in known:
                    known[placeholder] = self._make_name(kind)
                    fresh.append((kind, known[placeholder]))
                return known[placeholder]
            if placeholder not in known:
                known[placeholder] = self._make_name("name")
            return known[placeholder]

        return _PLACEHOLDER.sub(fill, text)

    def _make_name(self, kind: str) -> str:
        self._names += 1
        return f"{kind}_{self._names}"


def _indent(lines: list[str]) -> list[str]:
    return [f"    {line}" for line in lines]
