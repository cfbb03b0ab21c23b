"""The provider catalog: which models can be called here, with what, and how. Never imports litellm.

`curated/` is written by hand. `generated/` is what litellm's data says about the curated models;
`make catalog` writes it.
"""

from shared.llm.catalog.call import CheckedCall, check_call
from shared.llm.catalog.catalog import Catalog
from shared.llm.catalog.data import ToolFee
from shared.llm.catalog.errors import (
    CatalogError,
    InvalidMessages,
    InvalidParameters,
    ProviderNotConfigured,
    UnknownBuiltInTool,
    UnknownModel,
    UnknownProvider,
    UnpricedModel,
)
from shared.llm.catalog.parameters import check_parameters
from shared.llm.catalog.route import ModelRoute
from shared.llm.catalog.tools import ChosenTools, check_built_in_tools

__all__ = [
    "Catalog",
    "CatalogError",
    "CheckedCall",
    "ChosenTools",
    "InvalidMessages",
    "InvalidParameters",
    "ModelRoute",
    "ProviderNotConfigured",
    "ToolFee",
    "UnknownBuiltInTool",
    "UnknownModel",
    "UnknownProvider",
    "UnpricedModel",
    "check_built_in_tools",
    "check_call",
    "check_parameters",
]
