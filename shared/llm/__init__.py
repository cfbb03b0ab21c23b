"""Models: their catalog (`catalog`, plain data), and calls of them (`completion`, which imports litellm)."""
