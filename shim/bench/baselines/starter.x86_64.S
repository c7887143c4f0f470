# Starts a candidate, argv[1]: says on descriptor 3 that it is there, waits for a byte, writes the
# time twice, which tells what that costs, and execs.
.intel_syntax noprefix
    mov rax, [rsp]          # argc
    lea r12, [rsp + 16]     # argv + 1
    lea r13, [rsp + rax*8 + 16] # envp
    mov edi, 3
    mov rsi, rsp
    mov edx, 1
    mov eax, 1              # write
    syscall
    xor eax, eax            # read
    syscall
.rept 2
    mov edi, 1              # CLOCK_MONOTONIC
    mov eax, 228            # clock_gettime
    syscall
    mov edi, 3
    mov edx, 16
    mov eax, 1              # write
    syscall
.endr
    mov rdi, [r12]
    mov rsi, r12
    mov rdx, r13
    mov eax, 59             # execve
    syscall
    mov edi, 127
    mov eax, 60             # exit
    syscall
