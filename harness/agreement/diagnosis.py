"""In words."""
def diagnose(found, examination):
    return None
