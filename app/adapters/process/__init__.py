"""Other processes of this machine: children that are shut in, and the peers that share work."""
