"""The rival of the training bench: Keras in a process of its own."""
