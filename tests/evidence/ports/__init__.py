"""Networks as people port them: a reference, ports of it, and the mistakes that ports make."""
