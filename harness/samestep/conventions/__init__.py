"""What the frameworks do differently, asked of those that are installed.

A topic is a folder: its ``__init__`` holds the questions, and ``<framework>.py`` beside it one function for
each question that this framework has an answer to, in its own words. Only those files import a framework,
each its own.
"""
