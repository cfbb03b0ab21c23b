from typing import Literal

OpenaiInputItemsOrder = Literal["asc", "desc"]

OPENAI_INPUT_ITEMS_ORDER_VALUES: set[OpenaiInputItemsOrder] = {
    "asc",
    "desc",
}


def check_openai_input_items_order(value: str) -> OpenaiInputItemsOrder:
    if value in OPENAI_INPUT_ITEMS_ORDER_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {OPENAI_INPUT_ITEMS_ORDER_VALUES!r}")
