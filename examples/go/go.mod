module shim.example/handlers

go 1.22
