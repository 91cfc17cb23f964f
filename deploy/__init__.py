"""What the hub is deployed with: Kafka without Docker, migrations, manifests, the runbook."""
