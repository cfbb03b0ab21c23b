"""Environments for the tests of the catalog: all variables that it reads, with values that must never be shown."""

SECRET = "s3cr3t-value"

KEYS = (
    "OPENAI_API_KEY",
    "ANTHROPIC_API_KEY",
    "GEMINI_API_KEY",
    "GOOGLE_API_KEY",
    "AWS_BEARER_TOKEN_BEDROCK",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "OPENROUTER_API_KEY",
    "OR_API_KEY",
    "PERPLEXITYAI_API_KEY",
    "PERPLEXITY_API_KEY",
)
ADDRESSES = (
    "OPENAI_BASE_URL",
    "OPENAI_API_BASE",
    "ANTHROPIC_BASE_URL",
    "ANTHROPIC_API_BASE",
    "GEMINI_API_BASE",
    "OPENROUTER_API_BASE",
    "PERPLEXITY_API_BASE",
    "OLLAMA_API_BASE",
    "LOCAL_MODEL_BASE_URL",
)
REGIONS = ("AWS_REGION_NAME", "AWS_REGION", "AWS_DEFAULT_REGION")

EVERYTHING = {
    **{name: f"{SECRET}-{name}" for name in KEYS},
    **{name: f"http://user:{SECRET}@127.0.0.1:9/{name}" for name in ADDRESSES},
    **dict.fromkeys(REGIONS, "eu-west-1"),
}
CLOUD = {"K_SERVICE": "chat"}
EMULATOR = {"K_SERVICE": "chat", "FUNCTIONS_EMULATOR": "true"}
