"""What a message, a close and a frame cost here, each measured beside its own floor."""
