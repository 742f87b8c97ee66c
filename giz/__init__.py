"""GIZ, the Galaxy Inclination Zoo: files here are wiring, folders are packages with a floor each (docs/map.md)."""
