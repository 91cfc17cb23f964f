"""The HTTP door: events in, receipts and samples out, and the schema registry."""
