"""The service's API as it was ordered, sentence by sentence, and what proves each of them on the running suite."""
