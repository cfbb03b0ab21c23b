"""Recognizes API descriptions (OpenAPI 3.0 to 3.2, Swagger 2.0), and documents them for models.

Input and output are strings. Nothing is fetched here, and nothing in a document is trusted.
"""

from shared.openapi.document import Document, parse
from shared.openapi.errors import NotASpec
from shared.openapi.tool_docs import write_tool_docs

__all__ = ["Document", "NotASpec", "parse", "write_tool_docs"]
