"""What two areas share, and which one leads."""
