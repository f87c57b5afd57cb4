"""The memory, asked a question: evidence first, opinion last."""
