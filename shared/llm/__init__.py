"""Models: the catalog of them (`catalog`, plain data), and calls of them (`completion`, the importer of litellm)."""
