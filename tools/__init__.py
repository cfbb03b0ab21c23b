"""Tools that build and update files of the repository. None of them is deployed."""
