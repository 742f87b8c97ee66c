"""Staff pages: reads the selectors of every app, writes nothing."""
