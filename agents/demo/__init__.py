"""A county to try the hub on: written stories, and families drawn from published rates. Everybody is made up."""
