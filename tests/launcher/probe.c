/* A handler that tells how it was started: its process id, its words, an empty line, its variables;
   each word and variable after an equals sign, and each line ended by a NUL. It exits with 42, so
   that nobody takes another program for it. */

#include <asm/unistd.h>
#include "entry.h"

static void write_all(const char *text)
{
    long size = 0;
    while (text[size])
        size++;
    shim_call(__NR_write, 1, (long)text, size + 1);
}

static void write_items(char **items)
{
    for (; *items; items++) {
        shim_call(__NR_write, 1, (long)"=", 1);
        write_all(*items);
    }
}

void probe(char **stack)
{
    char digits[24], *start = digits + sizeof digits - 1;
    unsigned long process = shim_call(__NR_getpid, 0, 0, 0);
    *start = 0;
    do
        *--start = '0' + process % 10;
    while (process /= 10);
    write_all(start);
    write_items(stack + 1);
    write_all("");
    write_items(stack + (long)stack[0] + 2);
    shim_call(__NR_exit_group, 42, 0, 0);
}
