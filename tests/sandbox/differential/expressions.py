"""The productions of expressions, by kind: integers, floats, strings, booleans, lists of integers, lists of strings,
dicts that map strings to integers, sets of integers, bytes, and tuples of an integer and a string.

Sets are sorted before they are compared or used as other values, because their order is undefined.
"""

from tests.sandbox.differential import container_expressions, number_expressions, text_expressions
from tests.sandbox.differential.words import LITERALS

_BY_KIND = number_expressions.EXPRESSIONS | text_expressions.EXPRESSIONS | container_expressions.EXPRESSIONS
EXPRESSIONS = {kind: _BY_KIND[kind] for kind in LITERALS}
"""The productions in the order of `LITERALS`. The programs that a seed yields depend on this order."""
