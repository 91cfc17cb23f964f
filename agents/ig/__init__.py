"""What information governance staff ask of the hub. Commands call these functions, and so will pages."""
