"""What is left to write of a result, after what has been said."""

from shared.models.part import Delta, PartKind
from shared.services.chat.texts import Texts

CALL = {"id": None, "type": "function", "function": {"name": "f", "arguments": "{}"}}


def texts(*deltas: Delta) -> Texts:
    joined = Texts()
    for delta in deltas:
        joined.add(delta)
    return joined


def test_equal_tool_calls_are_several() -> None:
    """Some providers give tool calls no ids. Each of two equal calls counts."""
    said = texts(Delta(PartKind.TOOL, tool_calls=[CALL]))
    whole = texts(Delta(PartKind.TOOL, tool_calls=[CALL, CALL]))
    rest = whole.after(said, Texts())
    assert rest is not None
    assert rest.tool_calls == [CALL]


def test_reasoning_that_differs_is_that_of_the_result_if_none_was_written() -> None:
    """If some of it was written, the rest is left out, since it cannot be continued."""
    said = texts(Delta(PartKind.REASONING, "Well. "))
    whole = texts(Delta(PartKind.REASONING, "Well."), Delta(PartKind.CONTENT, "Hi."))
    for waiting, expected in ((said, "Well."), (Texts(), "")):
        rest = whole.after(said, waiting)
        assert rest is not None
        assert (rest.join(PartKind.REASONING), rest.join(PartKind.CONTENT)) == (expected, "Hi.")
