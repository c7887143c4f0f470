// The floor: one execve of a name that is known beforehand, and nothing else.
    ldr x3, [sp]            // argc
    add x1, sp, #8          // argv
    add x2, x1, x3, lsl #3
    add x2, x2, #8          // envp
    adr x0, handler
    mov w8, #221            // execve
    svc #0
    mov w0, #127
    mov w8, #93             // exit
    svc #0
handler:
    .asciz "bin/orders"
