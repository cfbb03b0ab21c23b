"""Rewrites the syntax of Python 3.12 to 3.14 for the analysis, whose parser is that of this process's older Python.

The result has the same lines, names, imports and calls. It is never run, so its meaning may differ. Rewritten are
f-strings and t-strings (which become tuples of their expressions), `type X = …`, type parameters, and `except A, B:`.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

MAX_NESTING = 50
"""The maximum depth of f-strings inside f-strings, and of brackets that are omitted."""

_TOKEN = re.compile(
    r"""(?sx)
      (?P<comment>\#[^\n]*)
    | (?P<string>(?P<prefix>(?i:[rbuft]{0,2}))(?P<quote>\"{3}|'{3}|\"|'))
    | (?P<name>[^\W\d]\w*)
    | (?P<number>\d[\w.]*)
    | (?P<newline>\\?\r?\n)
    | (?P<blank>[ \t\f]+)
    | (?P<other>.)
    """
)
_PLAIN_END = {
    quote: re.compile(rf"(?s)(?:[^\\]|\\.)*?{quote}" if len(quote) == 3 else rf"(?s)(?:[^\\\n]|\\.)*?{quote}")
    for quote in ('"', "'", '"""', "'''")
}
_GENERIC = re.compile(r"(?:def|class)[ \t]+[^\W\d]\w*[ \t]*(?=\[)")
_ALIAS = re.compile(r"type[ \t]+([^\W\d]\w*)[ \t]*(?=\[|=(?!=))")
_NAMED_ESCAPE = re.compile(r"N\{[^{}\n]{0,100}\}")
_DEBUG_EQUALS = re.compile(r"=[ \t]*(?=[}!:])")
"""The `=` in `f"{x=}"`."""


class UnsupportedSyntax(ValueError):
    """The code is not valid Python, or cannot be rewritten."""


def to_older_syntax(code: str) -> str:
    """Returns the code without newer syntax, in time proportional to its length. Raises `UnsupportedSyntax`."""
    return _Rewriting(code).rewrite()


@dataclass
class _Part:
    """A rewritten part of the code. `has_commas`, `has_as`: whether it has commas or `as` outside of brackets."""

    text: str
    has_commas: bool
    has_as: bool


class _Rewriting:
    def __init__(self, code: str) -> None:
        self._code = code
        self._at = 0
        self._nesting = 0

    def rewrite(self) -> str:
        return self._read_part(lambda: False).text

    def _read_part(self, ends: Callable[[], bool]) -> _Part:
        """Rewrites the code up to the position, outside of brackets, where `ends` is true, or to its end."""
        self._nesting += 1
        if self._nesting > MAX_NESTING:
            raise UnsupportedSyntax
        out: list[str] = []
        depth = 0
        has_commas = has_as = False
        at_statement = True  # whether a statement may start here
        while self._at < len(self._code):
            if depth == 0 and ends():
                break
            match = self._match_token()
            kind, text = str(match.lastgroup), match[0]
            if match["string"] is not None:
                out.append(self._read_strings(depth > 0 or self._nesting > 1))
                at_statement = False
                continue
            if kind == "name" and self._rewrite_newer(text, at_statement, out):
                at_statement = False
                continue
            self._at = match.end()
            out.append("" if kind == "comment" and self._nesting > 1 else text)
            if text in "([{":
                depth += 1
            elif text in ")]}":
                depth -= 1
                if depth < 0:
                    raise UnsupportedSyntax
            has_commas = has_commas or (depth == 0 and text == ",")
            has_as = has_as or (depth == 0 and text == "as")
            if kind not in ("blank", "comment"):
                at_statement = depth == 0 and (text in (";", ":") or (kind == "newline" and text[0] != "\\"))
        self._nesting -= 1
        return _Part("".join(out), has_commas, has_as)

    def _match_token(self) -> re.Match[str]:
        match = _TOKEN.match(self._code, self._at)
        if match is None:
            raise UnsupportedSyntax
        return match

    def _rewrite_newer(self, name: str, at_statement: bool, out: list[str]) -> bool:
        """Rewrites newer syntax that starts with this name, and adds it to `out`. Returns False if there is none."""
        if name in ("def", "class") and (match := _GENERIC.match(self._code, self._at)):
            self._at = match.end()
            out += [match[0], self._omit()]
            return True
        if name == "type" and at_statement and (match := _ALIAS.match(self._code, self._at)):
            self._at = match.end()
            out += [match[1], self._omit() if self._code[self._at] == "[" else "", " "]
            return True
        if name == "except" and at_statement and self._nesting == 1:
            self._at += len(name)
            part = self._read_part(lambda: self._code[self._at] in ":\n")
            star = part.text.lstrip().startswith("*")
            kinds = part.text.lstrip()[1:] if star else part.text
            needs_brackets = part.has_commas and not part.has_as
            out += [name, "*" if star else "", f" ({kinds})" if needs_brackets else kinds]
            return True
        return False

    def _omit(self) -> str:
        """Skips code in brackets. Returns only its line ends, escaped."""
        self._at += 1
        skipped = self._read_part(lambda: self._code[self._at] == "]").text
        if self._at >= len(self._code):
            raise UnsupportedSyntax
        self._at += 1
        return "\\\n" * skipped.count("\n")

    def _read_strings(self, in_brackets: bool) -> str:
        """Rewrites adjacent strings, which Python joins. If none contains an expression, they stay unchanged."""
        begin, pieces, has_expressions = self._at, [""], False
        while True:
            match = self._match_token()
            self._at = match.end()
            if set(match["prefix"].lower()) & {"f", "t"}:
                pieces.append(self._read_formatted(match["quote"]))
                has_expressions = True
            else:
                end = _PLAIN_END[match["quote"]].match(self._code, self._at)
                if end is None:
                    raise UnsupportedSyntax
                self._at = end.end()
                pieces.append(f"{match[0]}{end[0]},")
            after, gap = self._at, ""
            while self._at < len(self._code):
                following = self._match_token()
                if following.lastgroup == "newline" and not (in_brackets or following[0][0] == "\\"):
                    break
                if following.lastgroup not in ("newline", "comment", "blank"):
                    break
                gap += "\n" * following[0].count("\n")
                self._at = following.end()
            if self._at >= len(self._code) or self._match_token()["string"] is None:
                self._at = after
                return f"({''.join(pieces)})" if has_expressions else self._code[begin:after]
            pieces.append(gap)

    def _read_formatted(self, quote: str) -> str:
        """Reads up to the string's end. Returns its expressions, each followed by a comma, and its line ends."""
        out: list[str] = []
        while True:
            if self._code.startswith(quote, self._at):
                self._at += len(quote)
                return "".join(out) or "'',"
            out.append(self._read_literal_or_field(is_format=False))

    def _read_literal_or_field(self, *, is_format: bool) -> str:
        """Reads the next part of a string or of a format: an expression, or one or two characters of text."""
        here = self._code[self._at : self._at + 2]
        if not here:
            raise UnsupportedSyntax
        if here == "{{" and not is_format:
            self._at += 2
            return ""
        if here[0] == "{":
            return self._read_field()
        if here[0] == "\\":
            escape = _NAMED_ESCAPE.match(self._code, self._at + 1)
            self._at += 1 + (len(escape[0]) if escape else here[1:] in ("'", '"', "\\", "\n"))
            return "\n" if here == "\\\n" else ""
        self._at += 1
        return "\n" if here[0] == "\n" else ""

    def _read_field(self) -> str:
        self._at += 1
        expression = self._read_part(self._is_at_expression_end).text
        if not expression.strip():
            raise UnsupportedSyntax
        out = [f"({expression}),"]
        if match := _DEBUG_EQUALS.match(self._code, self._at):
            self._at = match.end()
        while (sign := self._code[self._at : self._at + 1]) not in ("}", ":"):
            if not sign:
                raise UnsupportedSyntax
            self._at += 1  # `!r`
        self._nesting += 1
        if self._nesting > MAX_NESTING:
            raise UnsupportedSyntax
        while self._code[self._at] != "}":
            self._at += sign == ":"
            sign = ""
            if self._code[self._at : self._at + 1] != "}":
                out.append(self._read_literal_or_field(is_format=True))
            if self._at >= len(self._code):
                raise UnsupportedSyntax
        self._nesting -= 1
        self._at += 1
        return "".join(out)

    def _is_at_expression_end(self) -> bool:
        here = self._code[self._at]
        if here == "!":
            return self._code[self._at + 1 : self._at + 2] != "="
        if here == "=":
            before = self._code[self._at - 1]
            return before not in "=!<>:" and _DEBUG_EQUALS.match(self._code, self._at) is not None
        return here in "}:"
