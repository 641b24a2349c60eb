"""Is it the same? Limits that follow from the arithmetic, never set by hand.

`samestep.agreement.examination.examine.examine` takes a `Candidate` through the stages and gives its
`Verdict`.
"""
