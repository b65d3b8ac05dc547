"""What one service names matched with what the other knows: applications with patches, hosts with devices. Pure."""
