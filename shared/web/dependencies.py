"""Dependencies that any route can use."""

from typing import Annotated

from fastapi import Depends, Request

from shared.settings import Settings


async def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


CurrentSettings = Annotated[Settings, Depends(_settings)]
"""The settings that the application was created with."""
