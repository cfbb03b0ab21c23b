"""What a run prints."""


class Logs:
    """Keeps the first `most` bytes and tells how much it dropped."""

    def __init__(self, most_bytes: int) -> None:
        self.most = most_bytes
        self._parts: list[str] = []
        self._left = most_bytes
        self._dropped = 0

    def add(self, _stream: str, text: str) -> None:
        """Text of either stream, in any pieces."""
        size = len(text.encode("utf-8", "replace"))
        if self._left >= size:
            self._parts.append(text)
            self._left -= size
            return
        kept = text.encode("utf-8", "replace")[: self._left].decode("utf-8", "ignore")
        self._parts.append(kept)
        self._dropped += size - self._left
        self._left = 0

    def drop(self, size: int) -> None:
        """So many bytes were printed beyond those that came."""
        self._dropped += size

    def lines(self) -> list[str]:
        """The lines, without their ends; a last one that tells of what was dropped."""
        text = "".join(self._parts)
        lines = text.removesuffix("\n").split("\n") if text else []
        if self._dropped:
            lines.append(f"… {self._dropped} bytes more were printed; the first {self.most} are kept.")
        return lines
