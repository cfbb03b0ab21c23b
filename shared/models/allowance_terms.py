"""The limits that a deployment sets for its users: how much they may have at most, and when that is refilled."""

from dataclasses import dataclass

from shared.models.money import to_micros
from shared.settings import Settings


@dataclass(frozen=True)
class Terms:
    """`ceiling`: millionths of a dollar, of a user for whom no administrator set another. `monthly`: whether the
    calendar refills. `bounding`: whether this is a deployment; with authentication bypassed users do as they like.
    """

    bounding: bool
    default: int
    ceiling: int
    monthly: bool

    @classmethod
    def of(cls, settings: Settings) -> "Terms":
        """A new user begins with no more than the ceiling, whatever the two settings say."""
        default = to_micros(settings.default_allowance)
        ceiling = default if settings.allowance_ceiling is None else to_micros(settings.allowance_ceiling)
        bounding = settings.authentication_required
        return cls(
            bounding=bounding,
            default=min(default, ceiling) if bounding else default,
            ceiling=ceiling,
            monthly=settings.allowance_refill == "monthly",
        )
