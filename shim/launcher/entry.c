/* The process entry: hands the kernel's stack over, which only assembly can see, and leaves the
   word before it free. */

/* SHIM_MAIN: the function to call. SHIM_AFTERWARDS: where to go when it comes back, which it does
   in the full launcher only: to libc's `_start`, with stack and registers as the kernel set them
   (%rdx would be called at exit, were it not 0). */

#if defined(__x86_64__)
__asm__(".text\n"
        ".globl shim_entry\n"
        "shim_entry:\n"
        "  mov %rsp, %rbx\n"
        "  mov %rsp, %rdi\n"
        "  sub $16, %rsp\n"
        "  and $-16, %rsp\n"
        "  call " SHIM_MAIN "\n"
        "  mov %rbx, %rsp\n"
        "  xor %edx, %edx\n"
        "  jmp " SHIM_AFTERWARDS "\n");
#elif defined(__aarch64__)
__asm__(".text\n"
        ".globl shim_entry\n"
        "shim_entry:\n"
        "  mov x19, sp\n"
        "  mov x0, sp\n"
        "  sub sp, sp, #16\n"
        "  bl " SHIM_MAIN "\n"
        "  mov sp, x19\n"
        "  mov x0, xzr\n"
        "  b " SHIM_AFTERWARDS "\n");
#else
#error "Lambda has two architectures: x86_64 and arm64"
#endif
