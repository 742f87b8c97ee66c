"""The layer between web server and Django: a request gets a thread only when it has arrived completely."""
