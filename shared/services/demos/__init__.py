"""Demo apps: saved, listed, and served as one page."""
