"""Tools that build and update files in the repository. None of them is deployed."""
