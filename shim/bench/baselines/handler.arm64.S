// What every candidate has to start: it takes the time with its first instructions, writes it to
// descriptor 3, and ends with a status of its own.
    mov x1, sp              // over argc: a page of the stack that is there
    mov w0, #1              // CLOCK_MONOTONIC
    mov w8, #113            // clock_gettime
    svc #0
    mov w0, #3
    mov w2, #16
    mov w8, #64             // write
    svc #0
    mov w0, #42
    mov w8, #93             // exit
    svc #0
