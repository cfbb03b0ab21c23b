"""What tests of the services share."""

from tests.ending import workers_end_with_their_loop as workers_end_with_their_loop
