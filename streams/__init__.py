"""What happens to an event: intake, identity, gate, timeline, risk, alert. Pure: no I/O, no clock."""
