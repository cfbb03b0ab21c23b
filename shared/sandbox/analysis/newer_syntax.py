"""Rewrites the syntax of Python 3.12 to 3.14 so that this process' own parser reads it, for the analysis.

The result has the same lines, names, imports and calls; it is not run, and need not mean the same. It replaces f- and
t-strings (by a tuple of their expressions), `type X = …`, type parameters, and `except A, B:`.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

MAX_NESTING = 50
"""Of f-strings within f-strings, and of brackets that are left out."""

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
_SHOWS_ITSELF = re.compile(r"=[ \t]*(?=[}!:])")
"""As in `f"{x=}"`."""


class NotUnderstood(ValueError):
    """The text is not Python, or cannot be rewritten."""


def to_older_syntax(code: str) -> str:
    """The code without newer syntax. Raises `NotUnderstood`. Takes time in proportion to its length."""
    return _Rewriting(code).rewrite()


@dataclass
class _Part:
    """`commas`: whether there are some outside of brackets; `named`: whether an `as` is."""

    text: str
    commas: bool
    named: bool


class _Rewriting:
    def __init__(self, code: str) -> None:
        self._code = code
        self._at = 0
        self._nesting = 0

    def rewrite(self) -> str:
        return self._read_part(lambda: False).text

    def _read_part(self, ends: Callable[[], bool]) -> _Part:
        """Rewrites up to where `ends` is true outside of brackets, or to the end of the code."""
        self._nesting += 1
        if self._nesting > MAX_NESTING:
            raise NotUnderstood
        out: list[str] = []
        depth = 0
        commas = named = False
        starts = True  # whether a statement may start here
        while self._at < len(self._code):
            if depth == 0 and ends():
                break
            match = self._match_token()
            kind, text = str(match.lastgroup), match[0]
            if match["string"] is not None:
                out.append(self._read_strings(depth > 0 or self._nesting > 1))
                starts = False
                continue
            if kind == "name" and self._rewrite_newer(text, starts, out):
                starts = False
                continue
            self._at = match.end()
            out.append("" if kind == "comment" and self._nesting > 1 else text)
            if text in "([{":
                depth += 1
            elif text in ")]}":
                depth -= 1
                if depth < 0:
                    raise NotUnderstood
            commas = commas or (depth == 0 and text == ",")
            named = named or (depth == 0 and text == "as")
            if kind not in ("blank", "comment"):
                starts = depth == 0 and (text in (";", ":") or (kind == "newline" and text[0] != "\\"))
        self._nesting -= 1
        return _Part("".join(out), commas, named)

    def _match_token(self) -> re.Match[str]:
        match = _TOKEN.match(self._code, self._at)
        if match is None:
            raise NotUnderstood
        return match

    def _rewrite_newer(self, name: str, starts: bool, out: list[str]) -> bool:
        """Rewrites newer syntax that begins with this name, into `out`; False if there is none."""
        if name in ("def", "class") and (match := _GENERIC.match(self._code, self._at)):
            self._at = match.end()
            out += [match[0], self._leave_out()]
            return True
        if name == "type" and starts and (match := _ALIAS.match(self._code, self._at)):
            self._at = match.end()
            out += [match[1], self._leave_out() if self._code[self._at] == "[" else "", " "]
            return True
        if name == "except" and starts and self._nesting == 1:
            self._at += len(name)
            part = self._read_part(lambda: self._code[self._at] in ":\n")
            star = part.text.lstrip().startswith("*")
            kinds = part.text.lstrip()[1:] if star else part.text
            wrapped = part.commas and not part.named
            out += [name, "*" if star else "", f" ({kinds})" if wrapped else kinds]
            return True
        return False

    def _leave_out(self) -> str:
        """Skips something in brackets. Only its line ends are kept, escaped."""
        self._at += 1
        left = self._read_part(lambda: self._code[self._at] == "]").text
        if self._at >= len(self._code):
            raise NotUnderstood
        self._at += 1
        return "\\\n" * left.count("\n")

    def _read_strings(self, in_brackets: bool) -> str:
        """Rewrites adjacent strings, which are one; left as they are if none of them contains an expression."""
        begin, pieces, holds = self._at, [""], False
        while True:
            match = self._match_token()
            self._at = match.end()
            if set(match["prefix"].lower()) & {"f", "t"}:
                pieces.append(self._read_formatted(match["quote"]))
                holds = True
            else:
                end = _PLAIN_END[match["quote"]].match(self._code, self._at)
                if end is None:
                    raise NotUnderstood
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
                return f"({''.join(pieces)})" if holds else self._code[begin:after]
            pieces.append(gap)

    def _read_formatted(self, quote: str) -> str:
        """The expressions in the string, each followed by a comma, and its line ends."""
        out: list[str] = []
        while True:
            if self._code.startswith(quote, self._at):
                self._at += len(quote)
                return "".join(out) or "'',"
            out.append(self._read_literal_or_field(is_format=False))

    def _read_literal_or_field(self, *, is_format: bool) -> str:
        """The next part of a string or of a format: an expression, or a character or two of text."""
        here = self._code[self._at : self._at + 2]
        if not here:
            raise NotUnderstood
        if here == "{{" and not is_format:
            self._at += 2
            return ""
        if here[0] == "{":
            return self._read_field()
        if here[0] == "\\":
            named = _NAMED_ESCAPE.match(self._code, self._at + 1)
            self._at += 1 + (len(named[0]) if named else here[1:] in ("'", '"', "\\", "\n"))
            return "\n" if here == "\\\n" else ""
        self._at += 1
        return "\n" if here[0] == "\n" else ""

    def _read_field(self) -> str:
        self._at += 1
        expression = self._read_part(self._is_at_expression_end).text
        if not expression.strip():
            raise NotUnderstood
        out = [f"({expression}),"]
        if shown := _SHOWS_ITSELF.match(self._code, self._at):
            self._at = shown.end()
        while (sign := self._code[self._at : self._at + 1]) not in ("}", ":"):
            if not sign:
                raise NotUnderstood
            self._at += 1  # `!r`
        self._nesting += 1
        if self._nesting > MAX_NESTING:
            raise NotUnderstood
        while self._code[self._at] != "}":
            self._at += sign == ":"
            sign = ""
            if self._code[self._at : self._at + 1] != "}":
                out.append(self._read_literal_or_field(is_format=True))
            if self._at >= len(self._code):
                raise NotUnderstood
        self._nesting -= 1
        self._at += 1
        return "".join(out)

    def _is_at_expression_end(self) -> bool:
        here = self._code[self._at]
        if here == "!":
            return self._code[self._at + 1 : self._at + 2] != "="
        if here == "=":
            before = self._code[self._at - 1]
            return before not in "=!<>:" and _SHOWS_ITSELF.match(self._code, self._at) is not None
        return here in "}:"
