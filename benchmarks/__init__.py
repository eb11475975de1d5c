"""What we run to know whether the package is good; never part of the wheel."""
