"""Indicators and strengths to combinations: rules as TOML, read by people, worked out here. Never a score."""
