"""Code that models write, agents and demo pages: from the prompt to the checked result."""
