/* What one would write in C to stand as `bootstrap`. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    const char *root = getenv("LAMBDA_TASK_ROOT");
    const char *handler = getenv("_HANDLER");
    char path[4096];

    (void)argc;
    if (!root || !handler)
        return 100;
    snprintf(path, sizeof path, "%s/%s", root, handler);
    argv[0] = path;
    execv(path, argv);
    perror(path);
    return 127;
}
