"""The machine: files, downloads, memory, threads and hardware."""
