/* The raw system call, of three words and of four: a word that isn't needed would cost an
   instruction at each call. Before libc has started, none of its functions may be called. */

#ifndef SHIM_ENTRY_H
#define SHIM_ENTRY_H

#include <asm/unistd.h>

#if defined(__x86_64__)
static inline long shim_call(long number, long a, long b, long c)
{
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c)
                     : "rcx", "r11", "memory");
    return result;
}

static inline long shim_call_4(long number, long a, long b, long c, long d)
{
    long result;
    register long fourth __asm__("r10") = d;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(fourth)
                     : "rcx", "r11", "memory");
    return result;
}
#else
static inline long shim_call(long number, long a, long b, long c)
{
    register long name __asm__("x8") = number;
    register long result __asm__("x0") = a;
    register long second __asm__("x1") = b;
    register long third __asm__("x2") = c;
    __asm__ volatile("svc 0" : "+r"(result) : "r"(name), "r"(second), "r"(third) : "memory");
    return result;
}

static inline long shim_call_4(long number, long a, long b, long c, long d)
{
    register long name __asm__("x8") = number;
    register long result __asm__("x0") = a;
    register long second __asm__("x1") = b;
    register long third __asm__("x2") = c;
    register long fourth __asm__("x3") = d;
    __asm__ volatile("svc 0"
                     : "+r"(result)
                     : "r"(name), "r"(second), "r"(third), "r"(fourth)
                     : "memory");
    return result;
}
#endif

static inline void __attribute__((noreturn)) shim_exit(long status)
{
    shim_call(__NR_exit_group, status, 0, 0);
    __builtin_unreachable();
}

#endif
