"""The limits that a deployment sets for its users: the highest allowance, and when it is refilled."""

from dataclasses import dataclass

from shared.models.money import to_micros
from shared.settings import Settings


@dataclass(frozen=True)
class Terms:
    """The terms for allowances.

    `default` and `ceiling` are millionths of a dollar. An administrator may set another ceiling for a user.

    `monthly`: whether allowances are refilled each month. `bounding`: whether the ceiling limits users, as it does in a
    deployment. It does not while authentication is bypassed.
    """

    bounding: bool
    default: int
    ceiling: int
    monthly: bool

    @classmethod
    def from_settings(cls, settings: Settings) -> "Terms":
        """Returns the terms that `settings` define.

        A default allowance above the ceiling is lowered to it in a deployment.
        """
        default = to_micros(settings.default_allowance)
        ceiling = default if settings.allowance_ceiling is None else to_micros(settings.allowance_ceiling)
        bounding = settings.authentication_required
        return cls(
            bounding=bounding,
            default=min(default, ceiling) if bounding else default,
            ceiling=ceiling,
            monthly=settings.allowance_refill == "monthly",
        )
