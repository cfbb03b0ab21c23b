"""Test doubles of outside services: real servers whose behavior the tests control."""
