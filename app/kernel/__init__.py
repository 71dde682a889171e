"""What every floor may use: errors, ids, clock, settings, logging. Imports nothing of ours."""
