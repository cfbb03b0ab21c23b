"""What `make bench` measures: ratios within one run, so that they can be compared between machines."""
