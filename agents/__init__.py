"""Everything that runs: settings, adapters, the engine, partner formats, doors and commands."""
