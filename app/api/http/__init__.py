"""What every route shares: who asks, bodies, errors, limits, headers, the API's description."""
