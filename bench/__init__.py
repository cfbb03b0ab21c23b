"""The measurements of `make bench`: ratios within one run, so that they can be compared between machines."""
