// Starts a candidate, argv[1]: says on descriptor 3 that it is there, waits for a byte, writes the
// time twice, which tells what that costs, and execs.
    ldr x3, [sp]            // argc
    add x19, sp, #16        // argv + 1
    add x20, x19, x3, lsl #3 // envp
    mov w0, #3
    mov x1, sp
    mov w2, #1
    mov w8, #64             // write
    svc #0
    mov w0, #3
    mov w8, #63             // read
    svc #0
.rept 2
    mov w0, #1              // CLOCK_MONOTONIC
    mov w8, #113            // clock_gettime
    svc #0
    mov w0, #3
    mov w2, #16
    mov w8, #64             // write
    svc #0
.endr
    ldr x0, [x19]
    mov x1, x19
    mov x2, x20
    mov w8, #221            // execve
    svc #0
    mov w0, #127
    mov w8, #93             // exit
    svc #0
