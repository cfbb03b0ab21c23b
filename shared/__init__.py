"""The common library of all functions. It does not depend on any of them."""
