"""AgentLoom: compose, run, watch and trust AI agents and workflows."""
