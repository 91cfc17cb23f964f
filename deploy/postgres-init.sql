CREATE DATABASE keys; -- person keys stand in a database of their own, backed up (and forgotten) by rules of their own
