"""Productions of expressions, by kind: whole numbers, floats, texts, truth values, lists of whole numbers, lists of
texts, dicts from texts to whole numbers, sets of whole numbers, bytes, and tuples of a whole number and a text.

Sets and what is made of them are sorted before they are compared, as their order is undefined.
"""

from tests.sandbox.differential import container_expressions, number_expressions, text_expressions
from tests.sandbox.differential.words import LITERALS

_BY_KIND = number_expressions.EXPRESSIONS | text_expressions.EXPRESSIONS | container_expressions.EXPRESSIONS
EXPRESSIONS = {kind: _BY_KIND[kind] for kind in LITERALS}
"""In the order of the kinds that seeds depend on."""
