"""The commands of `hearth`, one module per group."""
