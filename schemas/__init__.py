"""What is said: event contracts, code lists, ids, the codec and the hub's own records. Pure: no I/O, no clock."""
