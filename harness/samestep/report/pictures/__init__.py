"""The pictures of a run, a module for each question that they answer. All need Altair."""
