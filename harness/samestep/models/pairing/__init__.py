"""Which of the reference's tensors is which of the candidate's, and how it lies there."""
