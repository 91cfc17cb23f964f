"""The append-only log of decisions: RFC 6962 tree, C2SP tiles and checkpoints, proofs, and an independent verifier."""
