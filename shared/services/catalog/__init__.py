"""What callers can choose from: providers and models, and the model that a session is set to."""
