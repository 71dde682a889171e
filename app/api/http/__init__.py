"""What every route shares: caller, bodies, errors, limits, headers, the API's description."""
