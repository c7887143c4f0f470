module shim.example/extension

go 1.22
