"""Returns a list that holds itself."""

def sigmoid(z):
    value = []
    value.append(value)
    return value
