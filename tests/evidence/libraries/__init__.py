"""Pairs of real libraries: right ones, and ones with a mistake that people report built in."""
