"""What a computation graph is: pure structure, no derivatives, no evaluation."""
