"""The one place that imports litellm, set up so that it stays offline, quiet and strict.

Importing it takes seconds: import this module only where a model is called.
"""

import logging
import os
import warnings

os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # the bundled prices; else it fetches newer ones
os.environ.setdefault("LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS", "True")  # the bundled ones, likewise
os.environ.setdefault("LITELLM_MODE", "PRODUCTION")  # else it reads a .env file by itself

import litellm
from litellm import exceptions

litellm.suppress_debug_info = True
logging.getLogger("LiteLLM").setLevel(logging.CRITICAL)  # its lines are no JSON, and may quote what was said
warnings.filterwarnings("ignore", module="pydantic")  # likewise, of litellm's own types
litellm.turn_off_message_logging = True
litellm.drop_params = False  # a parameter that a model does not take is an error to be told, not to be dropped

__all__ = ["exceptions", "litellm"]
