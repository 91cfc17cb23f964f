"""Which person, which families: look-up in the replica of `people`, and the one ordered resolver."""
