"""Who is supplied: parties, accounts, connections, meters and where they are fitted."""
