"""The measurements of `make bench`. They are ratios within one run, so they can be compared between machines."""
