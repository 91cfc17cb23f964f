"""A real Apache Kafka, from published jars, without Docker."""
