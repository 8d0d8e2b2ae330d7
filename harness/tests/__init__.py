"""Tests that use the program, the scripts and the package as a person would."""
