"""The measurements of `make bench`. Their ratios within one run can be compared between machines."""
