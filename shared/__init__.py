"""The common library of all functions. It knows no function."""
