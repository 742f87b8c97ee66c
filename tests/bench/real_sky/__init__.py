"""How right a network is about galaxies that nobody made: ``make real-sky`` (docs/benchmarks/real-sky.md)."""
