"""A day played on a virtual clock, through the same operations as a real one."""
