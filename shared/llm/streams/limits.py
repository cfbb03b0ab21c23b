"""Limits of streams, which bound the memory and the time that they take."""

MAX_LINE_BYTES = 2 * 1024 * 1024
"""The maximum size of one event, in bytes."""
MAX_EVENTS = 500_000
"""The maximum number of events in a stream."""
MAX_CHARACTERS = 4 * 1024 * 1024
"""The maximum length of all texts together, in characters."""
MAX_PARTS = 1_000
"""The maximum number of choices, and of each choice's tool calls and annotations."""
MAX_BLOCKS = 10_000
"""The maximum number of blocks, parts or items. Some providers begin another block for each sentence with a source."""


class TooLong(Exception):
    """A stream exceeds a limit. `args[0]` describes the limit."""
