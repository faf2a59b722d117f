"""What a fleet is held to, from its arithmetic to real Ray."""
