"""A small installation in one process, where chance decides what breaks next: the same seed breaks the same things.

The domain, the tasks, the sweeper and the sending are the product's own; the clock, the doorbell's wire, the solver
and the mail server are made up.
"""
