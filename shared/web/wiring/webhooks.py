"""Creates the service that notifies webhooks."""

from shared.services.webhooks.delivery import DeliveryService
from shared.services.webhooks.sending import Sender
from shared.settings import Settings
from shared.store import Database
from shared.tasks import task_queue


def wire_deliveries(database: Database, settings: Settings) -> DeliveryService:
    """Creates the service."""
    return DeliveryService(database, task_queue(settings), settings, Sender(settings))
