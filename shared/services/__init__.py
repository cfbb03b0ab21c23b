"""Use cases, one file per noun. They know neither HTTP nor the libraries behind the store, the queue and the models."""
