"""Fixtures that the tests of the services share."""

from tests.sandbox_workers import end_workers_after_test as end_workers_after_test
