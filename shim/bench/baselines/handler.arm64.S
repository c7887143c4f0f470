// What every candidate has to start: a program that ends at once, with a status of its own.
    mov w0, #42
    mov w8, #93             // exit
    svc #0
