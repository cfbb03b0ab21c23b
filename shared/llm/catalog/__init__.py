"""The provider catalog: the models that can be called here, with their parameters and routes. It never imports litellm.

`curated/` is written by hand. `generated/` contains litellm's data about the curated models; `make catalog` writes it.
"""

from shared.llm.catalog.call import CheckedCall, check_call, check_request
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
    "check_request",
]
