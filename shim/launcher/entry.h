/* The raw system call. Before libc has started, none of its functions may be called. */

#ifndef SHIM_ENTRY_H
#define SHIM_ENTRY_H

#if defined(__x86_64__)
static inline long shim_call(long number, long a, long b, long c, long d, long e)
{
    long result;
    register long fourth __asm__("r10") = d;
    register long fifth __asm__("r8") = e;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(fourth), "r"(fifth)
                     : "rcx", "r11", "memory");
    return result;
}
#else
static inline long shim_call(long number, long a, long b, long c, long d, long e)
{
    register long name __asm__("x8") = number;
    register long result __asm__("x0") = a;
    register long second __asm__("x1") = b;
    register long third __asm__("x2") = c;
    register long fourth __asm__("x3") = d;
    register long fifth __asm__("x4") = e;
    __asm__ volatile("svc 0"
                     : "+r"(result)
                     : "r"(name), "r"(second), "r"(third), "r"(fourth), "r"(fifth)
                     : "memory");
    return result;
}
#endif

#endif
