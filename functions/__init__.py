"""One folder, one Cloud Function, one endpoint group. Functions know no other function."""
