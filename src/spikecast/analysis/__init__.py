"""What the latents encode, and when; how areas relate; how many dimensions they have."""
