"""Finds the thoughts that some models write in tags at the beginning of their answer.

The result is the same as that of `shared.llm.forms.chat`, which reads the whole text.
"""

from io import StringIO

_TAGS = ("<think>", "<thinking>")


class ThoughtTags:
    """Divides a text into thoughts and content while it arrives.

    The beginning is held back until it is certain that it is not a tag, and thoughts until their end, because without
    an end, they are content. `has_thought`: whether thoughts have been found.
    """

    def __init__(self) -> None:
        self.has_thought = False
        self._held = StringIO()
        self._start = ""
        self._end = ""
        self._tail = ""
        self._is_trimming = False
        self._is_over = False

    def take(self, text: str) -> tuple[str, str]:
        """Adds the next part of the text. Returns the thoughts and the content that can be passed on."""
        if self._is_over:
            return "", text
        if self._is_trimming:
            return "", self._trim(text)
        self._held.write(text)
        if not self._end:
            self._start += text if self._start else text.lstrip()
            if not (self._start and self._is_decided()):
                return "", ""
            if not self._end:
                return "", self.give_up()
            text = self._start.partition(">")[2]
        return self._find_end(text)

    def give_up(self) -> str:
        """Returns what is held back, and takes all further text as content. To be called when thoughts arrive apart."""
        self._is_over = True
        return self._clear()

    def _is_decided(self) -> bool:
        """Whether the beginning shows if it is a tag. If it is, its end tag is set."""
        tag = next((tag for tag in _TAGS if self._start.startswith(tag)), None)
        self._end = f"</{tag[1:]}" if tag else ""
        return tag is not None or not any(tag.startswith(self._start) for tag in _TAGS)

    def _find_end(self, text: str) -> tuple[str, str]:
        """Looks for the end tag only where it was not looked for before."""
        text = self._tail + text
        if self._end not in text:
            self._tail = text[-(len(self._end) - 1) :]
            return "", ""
        whole = self._clear()
        thought, _, rest = whole.partition(">")[2].partition(self._end)
        self.has_thought = self._is_trimming = True
        return thought.strip(), self._trim(rest)

    def _trim(self, text: str) -> str:
        """Removes the white space after the thoughts."""
        text = text.lstrip()
        self._is_over = bool(text)
        return text

    def _clear(self) -> str:
        held = self._held.getvalue()
        self._held = StringIO()
        self._start = self._tail = ""
        return held
