# What every candidate has to start: it takes the time with its first instructions, writes it to
# descriptor 3, and ends with a status of its own.
.intel_syntax noprefix
    mov rsi, rsp            # over argc: a page of the stack that is there
    mov edi, 1              # CLOCK_MONOTONIC
    mov eax, 228            # clock_gettime
    syscall
    mov edi, 3
    mov edx, 16
    mov eax, 1              # write
    syscall
    mov edi, 42
    mov eax, 60             # exit
    syscall
