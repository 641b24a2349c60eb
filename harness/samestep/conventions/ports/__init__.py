"""What ports meet: the same layer by name is another function elsewhere, and how to make it the same.

A topic is a folder: its ``__init__`` holds the pitfalls, ``numpy.py`` beside it the formula of each, and
``<framework>.py`` two functions for each that this framework has: one as it is written first, by the
defaults, and, where that is another function, one with ``_matched`` behind its name that is the formula's.
Both are run on the same arrays and judged by the limits of rounding. ``ports/<framework>.py`` takes arrays
into a framework and out of it.
"""
