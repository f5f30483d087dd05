"""What each operation means, written from its formula in float64 NumPy.

Nothing here is shared with the library: an error would have to be made twice, in two languages.
"""
