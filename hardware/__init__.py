"""Virtual boards and real benches."""
