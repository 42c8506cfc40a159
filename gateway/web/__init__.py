"""The gateway's page: what is measured, how it is, and the way the data take. Read-only."""
