"""The promises that the whole repository keeps: floors, sizes, versions, documents, deployment files."""
