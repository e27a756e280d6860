"""Which visits a shift has no hours for, or no window: the barriers that take driving to know."""

from numba import types

from optimizer.kernels import lean
from optimizer.search.layout import DATA, SCRATCH
from optimizer.search.retiming import fits_alone


@lean(types.int64(DATA, SCRATCH, types.uint8[:, ::1]))
def bar(data, scratch, code):
    """For every visit and shift whose code is 0: 5 when it has no hours for it, 6 no window."""
    barred = 0
    for v in range(data.visit.shape[0]):
        for s in range(data.shift.shape[0]):
            if code[v, s]:
                continue
            if not fits_alone(data, scratch, v, s, False):
                code[v, s] = 6
            elif not fits_alone(data, scratch, v, s, True):
                code[v, s] = 7
            if code[v, s]:
                barred += 1
    return barred
