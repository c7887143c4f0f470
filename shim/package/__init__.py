"""Function and layer zips: what is in one, what becomes of files that go into one."""
