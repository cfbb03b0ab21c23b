"""Provides time zones from the package `tzdata`, as `zoneinfo` cannot read them from a file system here."""

from __future__ import annotations

import importlib.resources
import io
import zoneinfo
from typing import IO, cast


def install() -> None:
    """Reads all time zones, which become part of the snapshot, and makes `zoneinfo` use them."""
    package = importlib.resources.files("tzdata")
    names = package.joinpath("zones").read_text().split()
    zones = {name: package.joinpath("zoneinfo", *name.split("/")).read_bytes() for name in names}

    def load(key: str) -> IO[bytes]:
        if key not in zones:
            raise zoneinfo.ZoneInfoNotFoundError(f"No time zone found with key {key}")
        return cast("IO[bytes]", io.BytesIO(zones[key]))

    common = importlib.import_module("zoneinfo._common")
    common.load_tzdata = load  # type: ignore[attr-defined]
    zoneinfo.available_timezones = lambda: set(zones)
