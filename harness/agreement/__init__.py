"""Is it the same? Limits that follow from the arithmetic, never set by hand.

`examine` takes a `Candidate` through the stages and gives its `Verdict`.
"""

from harness.agreement.candidate import Candidate
from harness.agreement.reference import Reference
from harness.agreement.stages import examine
from harness.agreement.verdict import Divergence, Verdict

__all__ = ["Candidate", "Divergence", "Reference", "Verdict", "examine"]
