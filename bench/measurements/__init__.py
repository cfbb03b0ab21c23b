"""The measurements. Each `measure` yields its rows as it gets them, in the given number of rounds."""
