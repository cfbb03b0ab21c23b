"""Compares a program's behavior in the engine and in a plain CPython. Ignores differences in messages that a later
version of CPython reworded.
"""

# ruff: noqa: E501 - a table with one pattern on each line

import re
from typing import Any

from tests.sandbox.differential.plain import ENGINE

_ADDRESS = re.compile(r"\bat 0x[0-9a-fA-F]+")
_PLACE = re.compile(r"(?<=<module ')([\w.]+)' (?:\(built-in\)|\(frozen\)|from '[^']*')")

_VALUE = r"""(?:-?[\w.+-]+|b?'[^'\n]*'|b?"[^"\n]*"|\[[^]\n]*\]|\{[^}\n]*\}|\([^)\n]*\))"""
_REWORDED: list[tuple[tuple[int, int], str, str]] = [
    ((3, 14), r"%c requires (an int or a unicode character, not (a string of length \d+|[\w.]+)|int or char)", "no %c"),
    ((3, 14), r"empty range (?:in|for) rand(?:int|range)(?:\(\) )?\([-\d, ]+\)", "empty range"),
    ((3, 13), r"(?:PatternError|error)(?= (?:missing|min repeat))", "PatternError"),
    ((3, 13), r"called match pattern must be a (?:class|type)", "wrong match pattern"),
    ((3, 12), r"Fraction\(-?\d+, 0\)", "Fraction(n, 0)"),
    ((3, 13), r"'RegexFlag'", "'int'"),
    ((3, 13), r"(non-default argument '\w+' follows default argument) '\w+'", r"\1"),
    ((3, 13), r"super\(type, obj\): obj .*\btype(?: \(\w+\)\.)?", "wrong super()"),
    ((3, 13), r"^PatternError$|\bPatternError(?=[ (])|^error$|(?m:^)error(?= )|(?<!\w)error(?=\(')", "PatternError"),
    ((3, 13), r"(?<=has no attribute) ('\w+') and no __dict__ for setting new attributes", r" \1"),
    ((3, 13), r"maximum recursion depth exceeded(?: while calling a Python object| in comparison)?", "too deep"),
    ((3, 13), r"open the file (?:with newline=''|in universal-newline mode)\?", "newlines?"),
    ((3, 13), r"(\"\w+\" must be a [\w ]+?)(?:, not \w+)?$", r"\1"),
    ((3, 13), r"(?m)float (?:modulo|floor division by zero|divmod\(\))(?: by zero)?$", "division by zero"),
    (
        (3, 13),
        r"\w*(?:\(\))? takes at least (\d+) arguments? \((\d+) given\)",
        r" expected at least \1 argument, got \2",
    ),
    ((3, 13), r"(?<!\w)(?:\w+\(\) argument 1 )?must be str, not (\w+)", r"must be str, not \1"),
    (
        (3, 13),
        r"'(\w+)' is an invalid keyword argument for (\w+\(\))|(\w+\(\)) got an unexpected keyword argument '(\w+)'",
        r"\2\3 has no \1\4",
    ),
    ((3, 12), r"(max|min)\(\) (?:arg is an empty sequence|iterable argument is empty)", r"\1() of nothing"),
    (
        (3, 12),
        r"(abstract class \w+) with(?:out an implementation for)? abstract methods? '?(\w+)'?",
        r"\1 with abstract \2",
    ),
    ((3, 14), r"cannot use '[\w.]+' as a (?:set element|dict key) \((unhashable type: '[\w.]+')\)", r"\1"),
    ((3, 14), rf"{_VALUE} is not in list|list\.index\(x\): x not in list", "x is not in list"),
    (
        (3, 14),
        r"(?:integer division or modulo|integer modulo|float modulo|float floor division|float division|division) by zero",
        "division by zero",
    ),
    ((3, 14), r"((?:month|hour|minute|second) must be in \d+\.\.\d+), not -?\d+", r"\1"),
    ((3, 14), r"(too many values to unpack \(expected \d+), got \d+\)", r"\1)"),
    (
        (3, 14),
        r"day is out of range for month|day -?\d+ must be in range 1\.\.\d+ for month \d+ in year \d+",
        "wrong day",
    ),
    (
        (3, 14),
        r"reduce expected at least 2 arguments, got (\d+)|reduce\(\) takes at least 2 positional arguments \((\d+) given\)",
        r"reduce takes 2, got \1\2",
    ),
    ((3, 14), r"(?<=argument should be a string or a Rational instance) or have the as_integer_ratio\(\) method", ""),
    (
        (3, 14),
        r"(?:the first argument )?(\S+) (?:must be a callable or|is not callable or) a descriptor",
        r"\1 is no descriptor",
    ),
    ((3, 14), r"\w* (?=expected (?:at least )?\d+ arguments?, got)", " "),
    ((3, 14), r"unicode character, not (?:a string of length \d+|str)", "unicode character, not str"),
    ((3, 14), r"add_note\(\) argument must be str, not (\w+)|note must be a str, not '(\w+)'", r"no note: \1\2"),
    ((3, 14), r"year must be in 1\.\.9999, not (-?\d+)|year (-?\d+) is out of range", r"wrong year \1\2"),
    ((3, 14), r"(?<=context manager protocol) \(missed \w+ method\)", ""),
    ((3, 14), r"'(?:[\w.<>]+\.)?(\w+)'(?= object does not support the (?:asynchronous )?context manager)", r"'\1'"),
    (
        (3, 14),
        r"object is not iterable|cannot convert dictionary update sequence element #\d+ to a sequence",
        "object is not iterable",
    ),
    (
        (3, 14),
        r"complex\(\) (?:argument '\w+' must be a real number|(?:first|second) argument must be (?:a string or )?a number), not '?\w+'?"
        r"|complex\(\) can't take second arg if first is a string",
        "complex() of something else",
    ),
    (
        (3, 14),
        r"argument must be int or float, not (\w+)|'(\w+)' object cannot be interpreted as an integer",
        r"\1\2 for a number",
    ),
    ((3, 14), r"(argument of type '[\w.]+' is not) a container or iterable", r"\1 iterable"),
    (
        (3, 14),
        rf"expected a (?:nonnegative|positive|finite)\w* input, got {_VALUE}|math domain error",
        "math domain error",
    ),
    (
        (3, 14),
        r"fromhex\(\) arg must contain an even number of hexadecimal digits|non-hexadecimal number found in fromhex\(\) arg at position \d+",
        "not hexadecimal",
    ),
]
"""Messages that a version of CPython reworded: the version, a pattern that finds the old and the new message, and the
replacement for both. Every entry is a difference between two versions of CPython itself.
"""


_CHANGED_FEATURES = [
    ((3, 14), r"\bhtml\.parser\b|\bmonthrange\(|\bcalendar\.|hashlib\.new\(|\.register\n"),
    ((3, 13), r"\bchr\(|\bstatistics\.|\byield from\b|\bcompile\(|__module__|\berror\b.*\bre\b"),
    (
        (3, 12),
        r"\bsum\(|\bfsum\(|OrderedDict|\[[^]\n]*:[^]\n]*\]|__set_name__|\bEnum\b|\bStrEnum\b|IntFlag|\.throw\(|\.close\(",
    ),
]
"""Features that a version of CPython changed: the version, and a pattern that finds their use in a program. For example,
an error became an `IndexError`, sums of floats are no longer rounded at each step, slices became hashable, and `close`
began to return a value. Programs that use these features are not compared with older versions.
"""


def is_comparable(code: str, version: tuple[int, int]) -> bool:
    """Returns whether a program should behave the same in this version and in that of the engine."""
    return not any(version < since <= ENGINE and re.search(pattern, code) for since, pattern in _CHANGED_FEATURES)


def has_comparable_exception(plain: dict[str, Any], version: tuple[int, int]) -> bool:
    """Returns whether the exception should have the same class in this version and in that of the engine."""
    return version >= (3, 12) or "cannot access free variable" not in str(plain["raised"])


def find_difference(engine: dict[str, Any], plain: dict[str, Any], version: tuple[int, int]) -> str | None:
    """Describes the first difference between the engine's answer and this version's; None if there is none."""
    deep = bool(plain["raised"]) and plain["raised"][0] == "RecursionError"
    for field in ("raised", "prints", "after", "result", "json", *(() if deep else ("lines",))):
        ours, theirs = _normalize(engine[field], version), _normalize(plain[field], version)
        if field == "lines":
            ours, theirs = _without_comprehensions(ours)[-10:], _without_comprehensions(theirs)[-10:]
        if ours != theirs:
            return f"{field}: {ours!r} in the engine, {theirs!r} in CPython {version[0]}.{version[1]}"
    return None


_INDEX_ERROR = re.compile(r"index-sized integer|too large to convert to C (?:s?size_t|long|int)|too large")


def is_index_size_difference(engine: dict[str, Any], plain: dict[str, Any]) -> bool:
    """Returns whether the engine reports more numbers as too large for an index than CPython does."""
    ours, theirs = (len(_INDEX_ERROR.findall(f"{answer['raised']} {answer['prints']}")) for answer in (engine, plain))
    return ours > theirs


def normalize_text(text: str, version: tuple[int, int]) -> str:
    """Removes addresses and modules' locations, and replaces messages that later versions reworded."""
    text = _ADDRESS.sub("at 0x…", _PLACE.sub(r"\1'", text))
    for since, pattern, replacement in _REWORDED:
        if version < since <= ENGINE:
            text = re.sub(pattern, replacement, text)
    return text


def _without_comprehensions(lines: list[Any]) -> list[Any]:
    """Removes the frames of comprehensions, which have no frames since version 3.12."""
    return [line for line in lines if line[1] not in ("<listcomp>", "<dictcomp>", "<setcomp>")]


def _normalize(value: Any, version: tuple[int, int]) -> Any:
    if isinstance(value, str):
        return normalize_text(value, version)
    return [_normalize(item, version) for item in value] if isinstance(value, list) else value
