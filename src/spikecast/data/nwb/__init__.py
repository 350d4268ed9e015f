"""What an NWB file holds, part by part; only what is asked for is read."""
