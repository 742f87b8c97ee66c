"""Staff pages: read the selectors of every app; write nothing but the reports that a worker makes for them."""
