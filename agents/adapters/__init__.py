"""What fulfils the ports on real Kafka, SQL and files. Only agents/bootstrap.py names these."""
