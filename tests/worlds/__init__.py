"""Worlds that differ only in sealed events, and all that their observers are shown: for the property that none differs.

A history is generated once. Of its worlds, `sealed` has all of it, `without` lacks its sealed events, and `unsealed`
has them openly: what that shows otherwise than `without` is what the seal hides.
"""
