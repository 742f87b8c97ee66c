"""Pure image code: survey frames to greys, colours and sized files."""
