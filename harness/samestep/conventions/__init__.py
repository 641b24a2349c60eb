"""What the installed frameworks do differently.

A topic is a folder: its ``__init__`` holds the questions, and ``<framework>.py`` beside it one function for
each question that this framework answers, in its own words. Only those files import a framework, each its
own. The functions return the framework's arrays, or scalars, strings and lists: see `answers.to_answer`.
"""
