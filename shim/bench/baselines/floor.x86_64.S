# The floor: one execve of a name that is known beforehand, and nothing else.
.intel_syntax noprefix
    mov rax, [rsp]          # argc
    lea rsi, [rsp + 8]      # argv
    lea rdx, [rsi + rax*8 + 8] # envp
    lea rdi, [rip + handler]
    mov eax, 59             # execve
    syscall
    mov edi, 127
    mov eax, 60             # exit
    syscall
handler:
    .asciz "bin/orders"
