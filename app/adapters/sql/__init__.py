"""The database: unit of work, journal, leases, values."""
