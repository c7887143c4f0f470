/* A function for Lambda's runtime API, in one static file without a libc, for both architectures:
   answers each event with the machine that it runs on, and its argv[0]; a text ends it. */
#include <stddef.h>

#if defined(__x86_64__)
enum { READ = 0, WRITE = 1, CLOSE = 3, SOCKET = 41, CONNECT = 42, UNAME = 63, EXIT = 231 };
static long call(long number, long a, const void *b, long c) {
    __asm__ volatile("syscall" : "+a"(number) : "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
    return number;
}
__asm__(".globl _start\n_start: mov %rsp, %rdi\nand $-16, %rsp\ncall run\n");
#elif defined(__aarch64__)
enum { READ = 63, WRITE = 64, CLOSE = 57, SOCKET = 198, CONNECT = 203, UNAME = 160, EXIT = 94 };
static long call(long number, long a, const void *b, long c) {
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register const void *x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
    return x0;
}
__asm__(".globl _start\n_start: mov x0, sp\nbl run\n");
#endif

static char out[8192], in[65536], uts[6][65];
static long out_size;

static void put(const char *text) {
    while (*text && out_size < (long)sizeof out) out[out_size++] = *text++;
}

static const char *find(const char *text, const char *part) {
    for (; *text; text++) {
        long i = 0;
        while (part[i] && text[i] == part[i]) i++;
        if (!part[i]) return text + i;
    }
    call(EXIT, 9, 0, 0);
    return NULL;
}

/* Sends `out` to 127.0.0.1:PORT and fills `in`; each request has a connection of its own. */
static void exchange(const char *port) {
    unsigned number = 0;
    while (*port >= '0' && *port <= '9') number = number * 10 + (unsigned)(*port++ - '0');
    unsigned char address[16] = {2, 0, number >> 8, number & 255, 127, 0, 0, 1};
    long s = call(SOCKET, 2, (void *)1, 0), size = 0, got;
    if (call(CONNECT, s, address, 16)) call(EXIT, 8, 0, 0);
    call(WRITE, s, out, out_size);
    while (size < (long)sizeof in - 1 && (got = call(READ, s, in + size, (long)sizeof in - 1 - size)) > 0)
        size += got;
    in[size] = 0;
    call(CLOSE, s, 0, 0);
}

void run(long *stack) {
    const char *own = *(const char **)(stack + 1), *port = NULL;
    for (const char **e = (const char **)stack + *stack + 2; *e; e++) {
        const char *name = "AWS_LAMBDA_RUNTIME_API=", *at = *e;
        while (*name && *name == *at) name++, at++;
        if (!*name) port = find(at, ":");
    }
    if (!port) call(EXIT, 7, 0, 0);
    call(UNAME, (long)uts, 0, 0);
    for (;;) {
        out_size = 0;
        put("GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: l\r\nConnection: close\r\n\r\n");
        exchange(port);
        if (*find(in, "\r\n\r\n") == '"') call(EXIT, 5, 0, 0);
        char request[2] = {0, 0};
        const char *id = find(in, "Lambda-Runtime-Aws-Request-Id: ");
        out_size = 0;
        put("POST /2018-06-01/runtime/invocation/");
        for (; *id > ' '; id++) request[0] = *id, put(request);
        put("/response HTTP/1.0\r\nHost: l\r\nContent-Length: ");
        long head = out_size;
        put("000\r\n\r\n");
        long body = out_size;
        put("{\"machine\": \"");
        put(uts[4]);
        put("\", \"program\": \"");
        put(own);
        put("\"}\n");
        for (long size = out_size - body, i = 2; i >= 0; i--, size /= 10) out[head + i] = '0' + size % 10;
        exchange(port);
    }
}
