"""Each folder is one Cloud Function with one group of endpoints. Functions do not depend on each other."""
