"""The specification of the service's API, sentence by sentence, with checks that run against the suite."""
