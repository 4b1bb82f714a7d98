module drumbeat/tools/staticcheck

go 1.26.7
