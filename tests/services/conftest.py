"""What tests of the services share."""

from tests.ending import interpreters_end_with_their_loop as interpreters_end_with_their_loop
