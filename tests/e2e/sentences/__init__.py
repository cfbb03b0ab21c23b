"""The specification of the service's API, sentence by sentence, with the checks on the running suite."""
