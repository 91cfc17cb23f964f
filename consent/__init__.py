"""Whether it may be shared: registers, policies, decisions, the log, and the seal. Pure: no I/O, no clock."""
