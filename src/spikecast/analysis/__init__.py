"""What latents, counts and behaviour encode, and when: each answer with its null and interval."""
