"""The smallest images of each type, and `data:` URLs of them."""

import base64

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
GIF = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
WEBP = base64.b64decode("UklGRiQAAABXRUJQVlA4IBgAAAAwAQCdASoBAAEADMDOJaQAA3AA/uxnAAA=")
JPEG = base64.b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAP//////////////////////////////////////////////////////////////////"
    "////////////////////wAALCAABAAEBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAAA//EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAI"
    "AQEAAD8AN//Z"
)


def data_url(data: bytes, media_type: str = "image/png") -> str:
    """Returns the `data:` URL of these bytes."""
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"


def image_part(url: str = data_url(PNG), **fields: str) -> dict[str, object]:
    """Returns the part of a message that contains the image."""
    return {"type": "image_url", "image_url": {"url": url, **fields}}
