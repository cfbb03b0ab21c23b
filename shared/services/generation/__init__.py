"""Agents and demos that models write: from the prompt to the checked result."""
